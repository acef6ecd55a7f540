//! nginx, as a tool behind a door or as a front before one, with a folder, a configuration and a log of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// A running nginx; ends with the value.
pub(crate) struct Nginx {
    folder: TempDir,
    process: Option<Child>,
}

impl Nginx {
    /// A folder for one, with a certificate for 127.0.0.1 and `localhost`.
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("nginx-").tempdir().expect("a temporary folder");
        let nginx = Self { folder, process: None };
        nginx.renew();
        nginx
    }

    /// Where its files are.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A socket of its own.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder().join("tool.sock")
    }

    /// Makes a new certificate; returns the SHA-256 of it as OpenSSL prints it.
    pub(crate) fn renew(&self) -> String {
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned(), "*.front.test".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        fs::write(self.folder().join("cert.pem"), made.cert.pem()).expect("a file");
        fs::write(self.folder().join("key.pem"), made.signing_key.serialize_pem()).expect("a file");
        let output = Command::new("openssl")
            .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
            .arg(self.folder().join("cert.pem"))
            .output()
            .expect("openssl runs");
        let text = String::from_utf8(output.stdout).expect("text");
        text.trim().rsplit('=').next().expect("a fingerprint").to_owned()
    }

    /// Starts it, or starts it anew, with these lines of `http`.
    pub(crate) fn start(&mut self, http: &str) {
        self.stop();
        let at = self.folder().display();
        let config = format!(
            "daemon off; master_process off; pid {at}/pid; error_log {at}/error.log info;
events {{ worker_connections 512; }}
http {{
    log_format all '$request|$http_host|$http_te|$server_protocol|$status';
    access_log {at}/access.log all;
    client_body_temp_path {at}/b; proxy_temp_path {at}/p; fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u;
    scgi_temp_path {at}/s; client_max_body_size 0;
    ssl_certificate {at}/cert.pem; ssl_certificate_key {at}/key.pem;
    {http}
}}"
        );
        let file = self.folder().join("nginx.conf");
        fs::write(&file, config).expect("a file");
        let _ = fs::remove_file(self.socket());
        let process = Command::new("/usr/sbin/nginx")
            .arg("-p")
            .arg(self.folder())
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .stderr(fs::File::create(self.folder().join("said")).expect("a file"))
            .spawn()
            .expect("nginx runs");
        self.process = Some(process);
        super::eventually("nginx runs", || {
            let ended =
                self.process.as_mut().is_some_and(|child| child.try_wait().expect("a child").is_some());
            assert!(
                !ended,
                "nginx: {}",
                fs::read_to_string(self.folder.path().join("said")).unwrap_or_default()
            );
            self.folder.path().join("pid").exists()
        });
    }

    /// Ends it.
    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
        let _ = fs::remove_file(self.folder().join("pid"));
    }

    /// A line for each request: `REQUEST|HOST|TE|PROTOCOL|STATUS`.
    pub(crate) fn log(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder().join("access.log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A port of 127.0.0.1 that is free now.
pub(crate) fn free_port() -> u16 {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    socket.local_addr().expect("bound").port()
}
