// The demo page: an event stream, a WebSocket and an upload, each of which says how it is doing.
// All addresses are relative, so the page works wherever it is put.
"use strict";

const part = (id) => document.getElementById(id);

function state(id, is, words) {
  const element = part(id);
  element.dataset.is = is;
  element.textContent = words;
}

function listen() {
  const events = new EventSource("ticks");
  events.onopen = () => state("ticks-state", "open", "flowing");
  events.onerror = () => state("ticks-state", "closed", "interrupted, trying again");
  events.onmessage = (event) => {
    part("ticks-count").textContent = event.data;
    const beats = part("ticks-beats");
    beats.append(document.createElement("i"));
    if (beats.childElementCount > BEATS) beats.firstElementChild.remove();
  };
}

function talk() {
  const socket = new WebSocket(new URL("echo", location.href.replace(/^http/, "ws")));
  const sent = [];
  const enable = (open) => ["echo-input", "echo-send"].forEach((id) => (part(id).disabled = !open));
  socket.onopen = () => {
    state("echo-state", "open", "connected");
    enable(true);
  };
  socket.onclose = () => {
    state("echo-state", "closed", "closed, trying again");
    enable(false);
    setTimeout(talk, RETRY_MS);
  };
  socket.onmessage = (event) => {
    const took = document.createElement("small");
    took.textContent = ` ${(performance.now() - sent.shift()).toFixed(1)} ms`;
    const line = document.createElement("li");
    line.append(event.data, took);
    part("echo-log").append(line);
    if (part("echo-log").childElementCount > LINES) part("echo-log").firstElementChild.remove();
  };
  part("echo-form").onsubmit = (event) => {
    event.preventDefault();
    const input = part("echo-input");
    if (input.value === "") return;
    sent.push(performance.now());
    socket.send(input.value);
    input.value = "";
  };
}

// XMLHttpRequest, because fetch cannot tell how much of a body has been sent.
function upload() {
  const [file] = part("upload-file").files;
  if (!file) return;
  const progress = part("upload-progress");
  const say = (words) => {
    progress.hidden = true;
    part("upload-result").textContent = words;
  };
  part("upload-result").textContent = "";
  progress.hidden = false;
  progress.value = 0;
  const request = new XMLHttpRequest();
  const begin = performance.now();
  request.upload.onprogress = (event) => (progress.value = event.loaded / (event.total || 1));
  request.onerror = () => say("The upload broke off.");
  request.onload = () => {
    if (request.status !== 200) return say(`The upload was refused (${request.status}).`);
    const { bytes } = JSON.parse(request.responseText);
    const verdict = bytes === file.size ? "all of it arrived" : `but the file has ${file.size.toLocaleString()}`;
    say(`${bytes.toLocaleString()} bytes in ${((performance.now() - begin) / 1000).toFixed(2)} s: ${verdict}.`);
  };
  request.open("POST", "upload");
  request.send(file);
}

const BEATS = 20;
const LINES = 6;
const RETRY_MS = 2000;

listen();
talk();
part("upload-file").addEventListener("change", upload);
