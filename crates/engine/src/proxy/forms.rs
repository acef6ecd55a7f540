//! Places for forms and calls at the gate while they are read: few, so that bodies sent for nothing cost nothing, and fewer
//! for one client, so that nobody who sends them slowly keeps others from signing in.

use super::{identify::Client, limits};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The places that are taken, by client.
#[derive(Clone, Default)]
pub(crate) struct Forms(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// A place, given back on drop.
pub(crate) struct Place {
    forms: Forms,
    client: IpAddr,
}

impl Forms {
    /// Takes a place, if one is free for this client.
    pub(crate) fn take(&self, client: Client) -> Option<Place> {
        let client = client.network();
        let mut taken = self.lock();
        if taken.values().sum::<usize>() >= limits::FORMS {
            return None;
        }
        let own = taken.entry(client).or_default();
        if *own >= limits::FORMS_OF_CLIENT {
            return None;
        }
        *own += 1;
        Some(Place { forms: self.clone(), client })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.forms.lock();
        if let Some(own) = taken.get_mut(&self.client) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                taken.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::identify::identify;

    #[test]
    fn one_client_takes_few_places_and_all_together_no_more_than_there_are() {
        let forms = Forms::default();
        let client = |host: usize| identify(format!("192.0.2.{host}:1").parse().unwrap());
        let mut held: Vec<Place> = (0..100).map_while(|_| forms.take(client(1))).collect();
        assert_eq!(held.len(), limits::FORMS_OF_CLIENT);
        held.extend((2..100).map_while(|host| forms.take(client(host))));
        assert_eq!(held.len(), limits::FORMS);
        drop(held);
        assert!(forms.lock().is_empty() && forms.take(client(1)).is_some());
    }
}
