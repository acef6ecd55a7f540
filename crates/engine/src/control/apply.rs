//! Making it true: listeners and doors are brought to the plan, new ones up before old ones down. A door that stays the
//! same keeps its connections.

use super::{
    State,
    doors::{ListenerPlan, Wishes},
};
use crate::proxy::{
    door::{Door, DoorPlan, Serves},
    listen::{self, BindError, Bound, Listener},
    snapshot::{Snapshot, Tool, Wants},
};
use crate::tools::ToolId;
use drawbridge_protocol::Level;
use drawbridge_texts::Tell;
use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Everything that listens, shared with *close everything*.
#[derive(Default)]
pub(crate) struct OpenDoors {
    open: Mutex<Open>,
    /// How often *close everything* was asked for and the writer has not lowered every level yet: nothing opens meanwhile.
    closing: AtomicUsize,
}

#[derive(Default)]
struct Open {
    listeners: HashMap<SocketAddr, Listener>,
    doors: Vec<Arc<Door>>,
}

/// Sockets bound ahead of a change, to prove it.
pub(super) type Proven = HashMap<SocketAddr, Bound>;

impl OpenDoors {
    /// Closes everything at once.
    pub(crate) fn close_all(&self) {
        self.closing.fetch_add(1, Ordering::AcqRel);
        let mut open = self.lock();
        open.doors.drain(..).for_each(|door| door.closing.cancel());
        open.listeners.clear();
    }

    /// Whether everything shall close and the levels do not say so yet.
    pub(super) fn is_close_wanted(&self) -> bool {
        self.closing.load(Ordering::Acquire) > 0
    }

    /// The levels say so now, for one of those who asked.
    pub(super) fn closed(&self) {
        self.closing.fetch_sub(1, Ordering::AcqRel);
    }

    /// The doors of tools on the local network.
    pub(super) fn lan_doors(&self) -> Vec<(ToolId, Arc<Door>)> {
        let open = self.lock();
        let lan = open.doors.iter().filter(|door| door.plan.level == Level::Lan);
        let of_tool = lan.filter_map(|door| match &door.plan.serves {
            Serves::Tool(id) => Some((id.clone(), Arc::clone(door))),
            Serves::Gate => None,
        });
        of_tool.collect()
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The listeners the settings and levels in force ask for.
    pub(super) fn plans(&self) -> Vec<ListenerPlan> {
        let levels = self.levels();
        let plans =
            Wishes { settings: &self.settings, levels: &levels, network: &self.network, lan: &self.lan };
        // Without a certificate a listener could only refuse; behind a front none is needed.
        let can_speak = |plan: &ListenerPlan| plan.is_fronted() || self.identities.is_ready(plan.level);
        plans.listeners().into_iter().filter(can_speak).collect()
    }

    /// Binds what is needed and not bound yet.
    pub(super) fn prove(
        &self,
        addresses: impl IntoIterator<Item = SocketAddr>,
        proven: &mut Proven,
    ) -> Result<(), BindError> {
        for address in addresses {
            if self.open_doors.is_close_wanted() {
                return Ok(());
            }
            if proven.contains_key(&address) || self.open_doors.lock().listeners.contains_key(&address) {
                continue;
            }
            match listen::bind(address) {
                Ok(bound) => {
                    proven.insert(address, bound);
                }
                Err(_) if is_spare(address) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Brings listeners and doors to the plan.
    pub(super) fn apply(&mut self) {
        self.apply_with(Proven::new());
    }

    /// The same, with sockets that were bound to prove the change.
    pub(super) fn apply_with(&mut self, mut proven: Proven) {
        let plans = if self.open_doors.is_close_wanted() { Vec::new() } else { self.plans() };
        let mut failures = BTreeMap::new();
        let mut open = self.open_doors.lock();
        let doors = doors_of(&plans, &open.doors);
        doors.iter().for_each(|door| self.tell_door_of(door));
        // First: whoever comes in by a new listener must find the users and tools that let him.
        self.publish_with(doors.clone());
        for plan in &plans {
            let behind: Vec<Arc<Door>> =
                doors.iter().filter(|door| plan.doors.contains(&door.plan)).map(Arc::clone).collect();
            if let Some(listener) = open.listeners.get_mut(&plan.address)
                && listener.from == plan.from
            {
                *listener.doors.write().unwrap_or_else(PoisonError::into_inner) = behind;
                continue;
            }
            // Another circle of peers: the old socket must be gone before the new one can have its address.
            open.listeners.remove(&plan.address);
            let bound = proven.remove(&plan.address).map_or_else(|| listen::bind(plan.address), Ok);
            let started =
                bound.and_then(|bound| bound.start(behind, plan.from.clone(), plan.level, &self.ground));
            match started {
                Ok(listener) => {
                    open.listeners.insert(plan.address, listener);
                }
                Err(_) if is_spare(plan.address) => {}
                Err(error) => {
                    failures.insert(plan.address, error.sentence());
                }
            }
        }
        open.listeners.retain(|address, _| plans.iter().any(|plan| plan.address == *address));
        for gone in open.doors.iter().filter(|door| !doors.iter().any(|kept| Arc::ptr_eq(kept, door))) {
            gone.closing.cancel();
        }
        open.doors = doors;
        drop(open);
        self.failures = failures;
    }

    /// Gives the data path a new picture.
    pub(super) fn publish(&self) {
        let doors = self.open_doors.lock().doors.clone();
        self.publish_with(doors);
    }

    fn publish_with(&self, doors: Vec<Arc<Door>>) {
        let tools = self.settings.tools.iter().map(|tool| {
            let wants = Wants {
                certificate: tool.certificate,
                secrets: self.injections_of(tool),
                identity_header: tool.identity_header.as_deref(),
                allowed_origins: &tool.allowed_origins,
            };
            let seen = Tool::new(tool.id.clone(), tool.name.clone(), tool.target.clone(), &wants);
            (tool.id.clone(), Arc::new(seen))
        });
        let open = self.settings.tools.iter().filter(|tool| tool.level > Level::Local);
        self.shared.tool_faults.keep(|id| open.clone().any(|tool| tool.id == *id));
        self.shared.cookie_names.keep(|id| self.settings.tools.iter().any(|tool| tool.id == *id));
        let users = self.users.iter().filter(|user| !user.disabled);
        let disabled = self.users.iter().filter(|user| user.disabled).map(|user| user.name.to_lowercase());
        self.shared.snapshot.store(Arc::new(Snapshot {
            tools: tools.collect(),
            users: users.clone().map(|user| (user.id, Arc::clone(user))).collect(),
            names: users.map(|user| (user.name.to_lowercase(), Arc::clone(user))).collect(),
            disabled: disabled.collect(),
            doors,
        }));
    }
}

/// One door per plan, kept where it did not change, however many addresses it listens on.
fn doors_of(plans: &[ListenerPlan], known: &[Arc<Door>]) -> Vec<Arc<Door>> {
    let mut doors: Vec<Arc<Door>> = Vec::new();
    let wanted: Vec<&DoorPlan> = plans.iter().flat_map(|plan| &plan.doors).collect();
    for plan in wanted {
        if doors.iter().any(|door| door.plan == *plan) {
            continue;
        }
        let kept = known.iter().find(|door| door.plan == *plan && !door.closing.is_cancelled());
        doors.push(kept.map_or_else(|| Arc::new(Door::new(plan.clone())), Arc::clone));
    }
    doors
}

/// Where plans listen.
pub(super) fn addresses_of(plans: Vec<ListenerPlan>) -> impl Iterator<Item = SocketAddr> {
    plans.into_iter().map(|plan| plan.address)
}

/// The IPv6 wildcard beside the IPv4 one: computers without IPv6 do without.
fn is_spare(address: SocketAddr) -> bool {
    address.is_ipv6() && address.ip().is_unspecified()
}
