'use strict';
const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (letter) => letter.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');
const keys = (list) => list.split(' ').filter(Boolean).map((id) => ({ type: 'public-key', id: bytes(id) }));

function ask({ challenge, rp, known, user, name, holder }) {
  const both = { challenge: bytes(challenge), timeout: 240000 };
  if (!user) {
    const publicKey = { ...both, rpId: rp, allowCredentials: keys(known), userVerification: holder };
    return navigator.credentials.get({ publicKey });
  }
  const publicKey = {
    ...both,
    rp: { id: rp, name: 'Drawbridge' },
    user: { id: bytes(user), name, displayName: name },
    pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: 'public-key', alg })),
    excludeCredentials: keys(known),
    authenticatorSelection: { residentKey: 'preferred', userVerification: holder },
    attestation: 'none',
  };
  return navigator.credentials.create({ publicKey });
}

function fill(form, { rawId, response }) {
  const said = {
    credential: rawId,
    client: response.clientDataJSON,
    data: response.authenticatorData ?? response.getAuthenticatorData(),
    signature: response.signature ?? new ArrayBuffer(0),
  };
  for (const [name, buffer] of Object.entries(said)) {
    const field = form.elements[name] ?? form.appendChild(document.createElement('input'));
    Object.assign(field, { type: 'hidden', name, value: text(buffer) });
  }
}

const button = document.querySelector('button[data-challenge]');
const failed = button.nextElementSibling;
button.hidden = !window.PublicKeyCredential;
failed.hidden = !(button.hidden && button.dataset.user);
button.addEventListener('click', async () => {
  failed.hidden = true;
  try {
    fill(button.form, await ask(button.dataset));
  } catch {
    failed.hidden = false;
    return;
  }
  if (button.dataset.done) {
    button.textContent = button.dataset.done;
    button.disabled = true;
    button.form.elements.code.required = false;
  } else {
    HTMLFormElement.prototype.submit.call(button.form);
  }
});
