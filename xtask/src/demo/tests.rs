//! The demo tool keeps its promises, so that a fault seen through a door is the door's.

use anyhow::{Context as _, Result, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use super::Demo;

/// A running demo tool and a connection to it.
async fn connected() -> Result<(TcpStream, String)> {
    let demo = Demo::bind(0).await?;
    let url = demo.url();
    drop(tokio::spawn(demo.serve()));
    let address = url.strip_prefix("http://").context("an http address")?.to_owned();
    Ok((TcpStream::connect(&address).await?, address))
}

/// Sends these bytes and reads until the answer contains the text.
async fn exchange(stream: &mut TcpStream, request: &[u8], until: &str) -> Result<String> {
    stream.write_all(request).await?;
    let mut answer = Vec::new();
    while !String::from_utf8_lossy(&answer).contains(until) {
        ensure!(
            stream.read_buf(&mut answer).await? > 0,
            "closed after {:?}",
            String::from_utf8_lossy(&answer)
        );
    }
    Ok(String::from_utf8(answer)?)
}

#[tokio::test]
async fn the_page_uses_nothing_from_elsewhere() -> Result<()> {
    let (mut stream, address) = connected().await?;
    let request = format!("GET / HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let answer = exchange(&mut stream, request.as_bytes(), "</html>").await?;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("content-security-policy: default-src 'self'"), "{answer}");
    assert!(!answer.contains("src=\"http") && !answer.contains("href=\"http"), "{answer}");
    Ok(())
}

#[tokio::test]
async fn an_upload_is_counted_to_the_last_byte() -> Result<()> {
    let (mut stream, address) = connected().await?;
    let body = vec![b'x'; 3_000_001];
    let head = format!("POST /upload HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n", body.len());
    let answer = exchange(&mut stream, &[head.as_bytes(), &body].concat(), "}").await?;
    assert!(answer.ends_with("{\"bytes\":3000001}"), "{answer}");
    Ok(())
}

#[tokio::test]
async fn events_come_one_by_one() -> Result<()> {
    let (mut stream, address) = connected().await?;
    let request = format!("GET /ticks HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let first = exchange(&mut stream, request.as_bytes(), "data: 0\n\n").await?;
    assert!(first.contains("content-type: text/event-stream"), "{first}");
    assert!(!first.contains("data: 1"), "{first}");
    exchange(&mut stream, b"", "data: 1\n\n").await?;
    Ok(())
}

#[tokio::test]
async fn the_websocket_says_everything_back() -> Result<()> {
    let (stream, address) = connected().await?;
    let (mut socket, _) = tokio_tungstenite::client_async(format!("ws://{address}/echo"), stream).await?;
    for message in [Message::text("Grüße"), Message::binary(vec![0_u8; 100_000])] {
        socket.send(message.clone()).await?;
        assert_eq!(socket.next().await.context("an answer")??, message);
    }
    socket.close(None).await?;
    assert!(matches!(socket.next().await, Some(Ok(Message::Close(_)))));
    Ok(())
}

#[tokio::test]
async fn echo_without_a_handshake_is_refused() -> Result<()> {
    let (mut stream, address) = connected().await?;
    let request = format!("GET /echo HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let answer = exchange(&mut stream, request.as_bytes(), "WebSocket").await?;
    assert!(answer.starts_with("HTTP/1.1 426"), "{answer}");
    Ok(())
}
