//! `drawbridge certificate`.

use crate::{
    Asker, Failure,
    output::{self, Output},
};
use clap::Subcommand;
use drawbridge_protocol::{Certificate, CertificateKind, Request, Secret};
use drawbridge_texts::Sentence;
use std::path::{Path, PathBuf};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List certificates in use
    List,
    /// Use your own certificate for the internet
    Import {
        /// PEM file: the certificate, then its intermediates
        #[arg(long, value_name = "PEM")]
        cert: PathBuf,
        /// PEM file: its private key
        #[arg(long, value_name = "PEM")]
        key: PathBuf,
    },
    /// Forget the imported certificate; internet doors close
    Remove,
    /// Make a fresh certificate for the local network and swap it live
    Renew,
    /// Print the local authority's certificate, for the trust stores of your devices
    ExportCa,
}

pub(crate) async fn run(engine: &mut Asker, command: Command, output: &Output) -> Result<(), Failure> {
    match command {
        Command::List => list(engine, Request::CertificateList, output).await,
        Command::Remove => list(engine, Request::CertificateRemove, output).await,
        Command::Renew => list(engine, Request::CertificateRenew, output).await,
        Command::Import { cert, key } => {
            let chain_pem = read(&cert)?.expose().to_owned();
            let key_pem = read(&key)?.into();
            let certificate: Certificate =
                engine.ask(Request::CertificateImport { chain_pem, key_pem }).await?;
            output.print(&certificate, |certificate| table(std::slice::from_ref(certificate), output));
            Ok(())
        }
        Command::ExportCa => {
            let certificate: Certificate = engine.ask(Request::CertificateExportCa).await?;
            output.print(&certificate, |certificate| certificate.pem.clone().unwrap_or_default());
            output.say(&Sentence::new("fingerprint-compare").with("fingerprint", &certificate.fingerprint));
            Ok(())
        }
    }
}

async fn list(engine: &mut Asker, request: Request, output: &Output) -> Result<(), Failure> {
    let certificates: Vec<Certificate> = engine.ask(request).await?;
    output.print(&certificates, |certificates| table(certificates, output));
    Ok(())
}

fn read(path: &Path) -> Result<Secret, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::Refused(Sentence::new("file-unread").with("path", path).quoting("cause", &error))
    })?;
    Ok(Secret::new(text))
}

fn table(certificates: &[Certificate], output: &Output) -> String {
    let row = |certificate: &Certificate| {
        let kind = match certificate.kind {
            CertificateKind::Authority => Sentence::new("certificate-authority"),
            CertificateKind::Lan => Sentence::new("certificate-lan"),
            CertificateKind::Imported => Sentence::new("certificate-imported"),
            CertificateKind::SelfSigned => Sentence::new("certificate-self-signed"),
        };
        let fingerprint =
            Sentence::new("certificate-fingerprint").with("fingerprint", &certificate.fingerprint);
        let days = certificate.not_after.saturating_sub(output::now()) / 86_400;
        vec![
            output.text(&kind),
            output.text(&Sentence::new("certificate-days").with("days", days)),
            certificate.names.join(", "),
            format!("\n  {}", output.text(&fingerprint)),
        ]
    };
    output::table(&certificates.iter().map(row).collect::<Vec<_>>())
}
