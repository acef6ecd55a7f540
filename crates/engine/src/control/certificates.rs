//! The certificates of this installation: the local authority and its leaf, the owner's own or a self-signed one for the
//! internet. Keys lie sealed in the database; the LAN leaf is made anew at each start and never touches the disk.

use super::{ControlError, Finding, State};
use crate::{
    certificates::{self, Authority, AuthorityError, Issuer, Leaf, LeafError, Names},
    clock,
    headers::authority::Host,
    settings::Settings,
    store::database::StoreError,
    tools::GATE_LABEL,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use drawbridge_protocol::{Certificate, CertificateKind, Fix, Level, Secret};
use drawbridge_texts::{Sentence, Tell};
use rustls::pki_types::CertificateDer;
use secrecy::{ExposeSecret, SecretSlice};
use serde::{Deserialize, Serialize};
use std::{net::IpAddr, time::SystemTime};

/// What is there.
#[derive(Default)]
pub(crate) struct Certificates {
    authority: Option<Authority>,
    lan: Option<Leaf>,
    internet: Option<Leaf>,
    /// Why the stored authority cannot be used; another is never made in its place.
    authority_trouble: Option<Sentence>,
    /// Why the stored certificate for the internet cannot be used.
    internet_trouble: Option<Sentence>,
}

/// What lies in a place.
enum Found {
    Nothing,
    /// Something that does not open or read.
    Closed,
    Pair(Vec<CertificateDer<'static>>, SecretSlice<u8>),
}

/// A certificate and its key as they are sealed: base 64 of DER.
#[derive(Deserialize, Serialize)]
struct Stored {
    chain: Vec<String>,
    key: String,
}

impl State {
    /// Reads what is stored and shows what can be shown.
    pub(super) async fn load_certificates(&mut self) -> Result<(), StoreError> {
        let now = self.shared.clock.now();
        self.certificates = Certificates::default();
        match self.stored(AUTHORITY).await? {
            Found::Nothing => {}
            Found::Closed => self.certificates.authority_trouble = Some(Sentence::new("stored-closed")),
            Found::Pair(chain, key) => {
                match chain.into_iter().next().map(|first| Authority::load(first, &key, now)) {
                    Some(Ok(authority)) => self.certificates.authority = Some(authority),
                    Some(Err(error)) => self.certificates.authority_trouble = Some(error.sentence()),
                    None => self.certificates.authority_trouble = Some(Sentence::new("stored-empty")),
                }
            }
        }
        // The owner's own goes before; where it cannot be used, nothing less takes its place.
        for (place, issuer) in [(IMPORTED, Issuer::Imported), (SELF_SIGNED, Issuer::SelfSigned)] {
            let loaded = match self.stored(place).await? {
                Found::Nothing => continue,
                Found::Closed => Err(Sentence::new("stored-closed")),
                Found::Pair(chain, key) => Leaf::load(chain, &key, issuer).map_err(|error| error.sentence()),
            };
            match loaded {
                Ok(leaf) => self.certificates.internet = Some(leaf),
                Err(why) => self.certificates.internet_trouble = Some(why),
            }
            break;
        }
        self.refresh_certificates();
        Ok(())
    }

    /// Makes what a level needs and is not there.
    pub(super) async fn prepare_certificates(&mut self, level: Level) -> Result<(), ControlError> {
        let now = self.shared.clock.now();
        if let Some(why) = &self.certificates.authority_trouble {
            return Err(ControlError::AuthorityUnusable(why.clone()));
        }
        if self.certificates.authority.is_none() {
            let (authority, key) = Authority::create(now)?;
            self.store(AUTHORITY, &[authority.certificate_der().clone()], &key).await?;
            self.certificates.authority = Some(authority);
        }
        if level == Level::Internet && !self.settings.internet.is_fronted() {
            if self.certificates.internet_trouble.is_some() {
                return Err(ControlError::Expired);
            }
            match &self.certificates.internet {
                Some(leaf) if leaf.issuer_kind() == Issuer::Imported && leaf.is_expired(now) => {
                    return Err(ControlError::Expired);
                }
                Some(leaf) if leaf.issuer_kind() == Issuer::Imported => {}
                Some(leaf) if !leaf.is_expired(now) && self.is_covered(leaf) => {}
                Some(_) | None => self.make_self_signed(now).await?,
            }
        }
        self.renew_lan(now)?;
        self.show()?;
        Ok(())
    }

    /// Renews what is due and withdraws what expired; says whether anything changed.
    pub(super) fn refresh_certificates(&mut self) -> bool {
        let now = self.shared.clock.now();
        let wanted = self.lan_names();
        let due = match &self.certificates.lan {
            Some(leaf) => leaf.is_due(now) || *leaf.names() != wanted,
            None => self.certificates.authority.is_some() && !wanted.is_empty(),
        };
        let before = [Level::Lan, Level::Internet].map(|level| self.identities.is_ready(level));
        if due && let Err(error) = self.renew_lan(now) {
            tracing::error!(%error, "the certificate for the local network could not be renewed");
        }
        if let Err(error) = self.show() {
            tracing::error!(%error, "a certificate could not be put to use");
        }
        due || before != [Level::Lan, Level::Internet].map(|level| self.identities.is_ready(level))
    }

    /// A fresh LAN leaf now, by the owner's wish; connections go on, new handshakes see it.
    pub(super) fn renew_certificates(&mut self) -> Result<Vec<Certificate>, ControlError> {
        self.renew_lan(self.shared.clock.now())?;
        self.show()?;
        Ok(self.certificate_models())
    }

    /// Takes the owner's own certificate.
    pub(super) async fn import_certificate(
        &mut self,
        chain_pem: &str,
        key_pem: &Secret,
    ) -> Result<Certificate, ControlError> {
        self.key()?;
        let now = self.shared.clock.now();
        let key = SecretSlice::from(key_pem.expose().as_bytes().to_vec());
        let imported = certificates::check(chain_pem.as_bytes(), &key, now)?;
        let mut after = self.settings.clone();
        if after.internet.domain.is_none() && after.internet.host.is_none() {
            // Nothing was said yet about names: the certificate says it.
            let wildcard = imported.names().hosts().iter().find_map(|host| host.strip_prefix("*."));
            after.internet.domain = wildcard.map(str::to_owned);
            if wildcard.is_none() {
                let address = imported.names().addresses().first().map(IpAddr::to_string);
                after.internet.host = imported.names().hosts().first().cloned().or(address);
            }
        }
        for host in needed_hosts(&after) {
            if !imported.covers(&host) {
                let covers = text_of(imported.names());
                return Err(ControlError::ImportNames { covers, host });
            }
        }
        let leaf = imported.into_leaf();
        self.store(IMPORTED, leaf.chain(), &leaf.key_for_sealing()).await?;
        if after != self.settings {
            self.commit(after)?;
        }
        let model = model(&leaf, CertificateKind::Imported);
        self.certificates.internet = Some(leaf);
        self.certificates.internet_trouble = None;
        self.show()?;
        self.apply();
        Ok(model)
    }

    /// Forgets the imported certificate and closes the internet doors it was shown at.
    pub(super) async fn remove_certificate(&mut self) -> Result<Vec<Certificate>, ControlError> {
        let levels = self.levels().into_iter();
        let open: Vec<_> =
            levels.filter(|(_, level)| *level == Level::Internet).map(|(tool, _)| tool).collect();
        let leaf = self.certificates.internet.as_ref();
        let imported = leaf.is_some_and(|leaf| leaf.issuer_kind() == Issuer::Imported);
        if imported || self.certificates.internet_trouble.is_some() {
            // A browser warning is less than what the owner opened these doors with: they close first, and may be
            // opened again.
            self.lower(&open, Level::Lan).await?;
        }
        self.database
            .call(|transaction| {
                transaction.execute("DELETE FROM sealed WHERE name = ?1", [IMPORTED]).map(drop)
            })
            .await?;
        self.load_certificates().await?;
        self.apply();
        Ok(self.certificate_models())
    }

    /// The authority's certificate for others' trust stores.
    pub(super) fn export_authority(&self) -> Result<Certificate, ControlError> {
        let authority = self.certificates.authority.as_ref();
        let authority = authority.ok_or_else(|| match &self.key {
            Err(why) => ControlError::VaultClosed(why.clone()),
            Ok(_) => ControlError::NoAuthority,
        })?;
        Ok(Certificate { pem: Some(authority.certificate_pem()), ..authority_model(authority) })
    }

    /// Every certificate in use.
    pub(super) fn certificate_models(&self) -> Vec<Certificate> {
        let Certificates { authority, lan, internet, .. } = &self.certificates;
        let authority = authority.iter().map(authority_model);
        let lan = lan.iter().map(|leaf| model(leaf, CertificateKind::Lan));
        let internet = internet.iter().map(|leaf| model(leaf, kind_of(leaf)));
        authority.chain(lan).chain(internet).collect()
    }

    /// What is special about the internet's certificate, for the doors' cause.
    pub(super) fn internet_mark(&self) -> Option<Sentence> {
        // Behind a front, its certificate is what visitors see.
        if self.settings.internet.is_fronted() {
            return None;
        }
        let leaf = self.certificates.internet.as_ref()?;
        (leaf.issuer_kind() == Issuer::SelfSigned).then(|| Sentence::new("door-self-signed"))
    }

    /// Why the internet cannot be open, if it is for its certificate.
    pub(super) fn internet_unusable(&self) -> bool {
        let now = self.shared.clock.now();
        let needed = !self.settings.internet.is_fronted();
        let trouble = self.certificates.internet_trouble.is_some()
            || self.certificates.internet.as_ref().is_none_or(|leaf| leaf.is_expired(now));
        needed && trouble
    }

    /// What is wrong with what is stored.
    pub(super) fn certificate_troubles(&self) -> impl Iterator<Item = Finding> {
        let finding =
            |what, why: &Sentence| Finding::new(what, why.clone(), Sentence::new("trouble-stored-do"));
        let Certificates { authority_trouble, internet_trouble, .. } = &self.certificates;
        let authority =
            authority_trouble.as_ref().map(|why| finding(Sentence::new("trouble-authority-what"), why));
        let internet = internet_trouble
            .as_ref()
            .map(|why| finding(Sentence::new("trouble-internet-what"), why).with(Fix::ImportCertificate));
        authority.into_iter().chain(internet)
    }

    async fn make_self_signed(&mut self, now: SystemTime) -> Result<(), ControlError> {
        let leaf = certificates::self_signed(&self.internet_names(), now).map_err(AuthorityError::from)?;
        self.store(SELF_SIGNED, leaf.chain(), &leaf.key_for_sealing()).await?;
        self.certificates.internet = Some(leaf);
        Ok(())
    }

    fn renew_lan(&mut self, now: SystemTime) -> Result<(), AuthorityError> {
        let names = self.lan_names();
        if let Some(authority) = &self.certificates.authority
            && !names.is_empty()
        {
            self.certificates.lan = Some(authority.issue(&names, now)?);
        }
        Ok(())
    }

    /// Puts the certificates to use; an expired one is withdrawn.
    fn show(&self) -> Result<(), ControlError> {
        let now = self.shared.clock.now();
        let addresses: Vec<IpAddr> = self.network.addresses.iter().map(|(address, _)| *address).collect();
        let fresh = |leaf: &Option<Leaf>| leaf.as_ref().is_some_and(|leaf| !leaf.is_expired(now));
        let Certificates { lan, internet, .. } = &self.certificates;
        let lan_leaf = lan.as_ref().filter(|_| fresh(lan));
        let internet_leaf = internet.as_ref().filter(|_| fresh(internet));
        self.identities.show(Level::Lan, lan_leaf, &addresses).map_err(unusable)?;
        // Without a name of its own the internet door answers at bare addresses.
        let named = self.internet_host().is_some_and(|host| matches!(host, Host::Name(_)));
        let bare = if named { &[][..] } else { &addresses[..] };
        self.identities.show(Level::Internet, internet_leaf, bare).map_err(unusable)
    }

    /// After the internet's names changed: a self-signed certificate is made anew where one was in use.
    pub(super) async fn follow_names(&mut self) -> Result<(), ControlError> {
        let outdated = match &self.certificates.internet {
            Some(leaf) => leaf.issuer_kind() == Issuer::SelfSigned && !self.is_covered(leaf),
            None => false,
        };
        if outdated {
            self.make_self_signed(self.shared.clock.now()).await?;
        }
        Ok(())
    }

    /// Refuses names the owner's own certificate does not cover: their doors would answer nobody.
    pub(super) fn check_names(&self, after: &Settings) -> Result<(), ControlError> {
        if after.internet.is_fronted() {
            return Ok(());
        }
        match &self.certificates.internet {
            Some(leaf) if leaf.issuer_kind() == Issuer::Imported => {
                match needed_hosts(after).into_iter().find(|host| !leaf.names().covers(host)) {
                    Some(host) => Err(ControlError::ImportNames { covers: text_of(leaf.names()), host }),
                    None => Ok(()),
                }
            }
            Some(_) | None => Ok(()),
        }
    }

    fn is_covered(&self, leaf: &Leaf) -> bool {
        let wanted = self.internet_names();
        wanted.hosts().iter().all(|host| leaf.names().hosts().contains(host))
            && wanted.addresses().iter().all(|address| leaf.names().covers_address(*address))
    }

    fn lan_names(&self) -> Names {
        let addresses = self.network.addresses.iter().map(|(address, _)| *address);
        Names::new(addresses, &self.settings.lan.names)
    }

    fn internet_names(&self) -> Names {
        let internet = &self.settings.internet;
        let hosts: Vec<String> = match (&internet.domain, &internet.host) {
            (Some(domain), _) => vec![domain.clone(), format!("*.{domain}")],
            (None, Some(host)) => vec![host.clone()],
            (None, None) => Vec::new(),
        };
        let addresses = self.network.addresses.iter().map(|(address, _)| *address);
        if hosts.is_empty() { Names::new::<&str>(addresses, []) } else { Names::new([], hosts) }
    }

    fn internet_host(&self) -> Option<Host> {
        let internet = &self.settings.internet;
        internet.domain.as_ref().or(internet.host.as_ref()).and_then(|host| host.parse().ok())
    }

    async fn stored(&self, place: &'static str) -> Result<Found, StoreError> {
        let sealed: Option<Vec<u8>> = self
            .database
            .call(move |transaction| {
                let mut rows = transaction.prepare("SELECT value FROM sealed WHERE name = ?1")?;
                rows.query_map([place], |row| row.get(0))?.next().transpose()
            })
            .await?;
        let Some(sealed) = sealed else { return Ok(Found::Nothing) };
        let opened = self.key.as_ref().ok().and_then(|key| key.open(place, &sealed).ok());
        let pair = opened.and_then(|plain| {
            let stored: Stored = serde_json::from_slice(plain.expose_secret()).ok()?;
            let chain: Option<Vec<_>> =
                stored.chain.iter().map(|der| STANDARD.decode(der).ok().map(CertificateDer::from)).collect();
            Some(Found::Pair(chain?, SecretSlice::from(STANDARD.decode(stored.key).ok()?)))
        });
        Ok(pair.unwrap_or(Found::Closed))
    }

    async fn store(
        &self,
        place: &'static str,
        chain: &[CertificateDer<'static>],
        key: &SecretSlice<u8>,
    ) -> Result<(), ControlError> {
        let stored = Stored {
            chain: chain.iter().map(|certificate| STANDARD.encode(certificate)).collect(),
            key: STANDARD.encode(key.expose_secret()),
        };
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(&stored).map_err(ControlError::Reply)?);
        let sealed = self.key()?.seal(place, &plain)?;
        self.database
            .call(move |transaction| {
                transaction
                    .execute("INSERT OR REPLACE INTO sealed VALUES (?1, ?2)", (place, sealed))
                    .map(drop)
            })
            .await?;
        Ok(())
    }
}

/// Every host an internet door of these settings has or would have.
fn needed_hosts(settings: &Settings) -> Vec<String> {
    match (&settings.internet.domain, &settings.internet.host) {
        (Some(domain), _) => {
            let tools = settings.tools.iter().map(|tool| tool.id.as_str());
            std::iter::once(GATE_LABEL).chain(tools).map(|label| format!("{label}.{domain}")).collect()
        }
        (None, Some(host)) => vec![host.clone()],
        (None, None) => Vec::new(),
    }
}

fn unusable(error: LeafError) -> ControlError {
    ControlError::Leaf(error)
}

fn authority_model(authority: &Authority) -> Certificate {
    Certificate {
        kind: CertificateKind::Authority,
        names: Vec::new(),
        fingerprint: authority.fingerprint().to_string(),
        not_after: clock::seconds(authority.not_after()),
        pem: None,
    }
}

fn model(leaf: &Leaf, kind: CertificateKind) -> Certificate {
    Certificate {
        kind,
        names: names_of(leaf.names()),
        fingerprint: leaf.fingerprint().to_string(),
        not_after: clock::seconds(leaf.not_after()),
        pem: None,
    }
}

fn kind_of(leaf: &Leaf) -> CertificateKind {
    match leaf.issuer_kind() {
        Issuer::LocalAuthority => CertificateKind::Lan,
        Issuer::Imported => CertificateKind::Imported,
        Issuer::SelfSigned => CertificateKind::SelfSigned,
    }
}

fn names_of(names: &Names) -> Vec<String> {
    names.hosts().iter().cloned().chain(names.addresses().iter().map(IpAddr::to_string)).collect()
}

fn text_of(names: &Names) -> String {
    names_of(names).join(", ")
}

/// Places in the database, and what each value is bound to.
const AUTHORITY: &str = "certificate/authority";
const IMPORTED: &str = "certificate/imported";
const SELF_SIGNED: &str = "certificate/self-signed";
