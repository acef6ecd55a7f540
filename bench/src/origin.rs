//! The tool behind every proxy: a small page, a large file, a sink for uploads, and an echo over a WebSocket.

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderValue},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use std::{convert::Infallible, net::Ipv4Addr};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::LocalSet,
};

/// Bytes of the small page.
pub(crate) const SMALL: usize = 1024;
/// Bytes of the large file, and of an upload.
pub(crate) const LARGE: usize = 16 * 1024 * 1024;

/// Serves until it is killed.
pub(crate) fn serve(port: u16) -> Result<()> {
    crate::client::raise_open_files();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async move {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.context("the tool's port")?;
        let (small, large) = (Bytes::from(vec![b'x'; SMALL]), Bytes::from(vec![b'x'; LARGE]));
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let pages = (small.clone(), large.clone());
            tokio::task::spawn_local(connection(stream, pages));
        }
    })
}

async fn connection(stream: TcpStream, (small, large): (Bytes, Bytes)) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let (small, large) = (small.clone(), large.clone());
        async move { Ok::<_, Infallible>(answer(request, small, large).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), service);
    let _ = connection.with_upgrades().await;
}

async fn answer(mut request: Request<Incoming>, small: Bytes, large: Bytes) -> Response<Full<Bytes>> {
    if request.headers().contains_key(header::UPGRADE) {
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::task::spawn_local(async move {
            let Ok(upgraded) = upgrade.await else { return };
            echo(TokioIo::new(upgraded)).await;
        });
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let fields = [
            (header::CONNECTION, "Upgrade"),
            (header::UPGRADE, "websocket"),
            // Of the key every client here sends (RFC 6455 §1.3).
            (header::SEC_WEBSOCKET_ACCEPT, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ];
        for (name, value) in fields {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        return response;
    }
    if *request.method() == Method::POST {
        let mut body = request.into_body();
        while let Some(Ok(_)) = body.frame().await {}
        return Response::new(Full::new(Bytes::from_static(b"taken")));
    }
    let mut response = Response::new(Full::new(if request.uri().path() == "/large" { large } else { small }));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

/// Frames come back as they came: no proxy looks into them.
async fn echo(mut stream: TokioIo<hyper::upgrade::Upgraded>) {
    let mut buffer = vec![0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        let Some(bytes) = buffer.get(..count) else { return };
        if stream.write_all(bytes).await.is_err() {
            return;
        }
    }
}
