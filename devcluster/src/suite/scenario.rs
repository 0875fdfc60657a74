//! A test, and the world that it gets.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::future::join_all;

use super::{Cluster, Tool, cluster::Made, report};
use crate::{Identity, Machine, Programs, Service, ServiceError, Site, Subject, Variables};

/// A scenario on its way.
pub type Play = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A test: a name that is a sentence, and what it does with a world.
pub struct Scenario {
    /// Topic and name.
    pub name: &'static str,
    /// What it needs of the cluster, beside being one.
    pub needs: Needs,
    /// What it does.
    pub play: fn(Arc<World>) -> Play,
}

/// What a test needs of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing of its own.
    Nothing,
    /// To be alone, since it disturbs the whole cluster.
    Faults,
    /// That each tool has a user of its own, which only root can give it.
    Users,
    /// A cluster in which `deploy/` has installed the service, and all that belongs to it.
    Installed,
    /// The same by its own door, with an image of another version beside; and to be alone, since it
    /// takes replicas away.
    Replicas,
    /// That the service itself ends TLS: a proxy in front of it would answer this in its own way.
    OwnDoor,
    /// A proxy that ends TLS, in front of a service inside the cluster.
    Proxy,
    /// A program that not every machine has.
    Program(&'static str),
    /// Programs that are fetched from a registry of packages, where one can be reached: without them
    /// the test is left out everywhere.
    Fetched(&'static [&'static str]),
    /// Nothing of the cluster: it is about the one that it starts itself.
    NoOther,
    /// What only a real Kubernetes has, for this reason.
    RealCluster(&'static str),
    /// A knob that only the embedded cluster has, for this reason.
    Embedded(&'static str),
    /// The same, and to be alone, since the knob is one for the whole cluster.
    EmbeddedAlone(&'static str),
}

impl Needs {
    /// Whether no other test may run meanwhile.
    pub(crate) fn is_alone(self) -> bool {
        matches!(self, Self::Faults | Self::Replicas | Self::EmbeddedAlone(_))
    }
}

/// Everything that one test makes and uses.
pub struct World {
    /// The cluster.
    pub cluster: Arc<Cluster>,
    service: Arc<Service>,
    programs: Programs,
    made: Mutex<Vec<Made>>,
    services: Mutex<Vec<Arc<Service>>>,
}

impl World {
    pub(crate) fn new(cluster: Arc<Cluster>, service: Arc<Service>, programs: Programs) -> Self {
        Self { cluster, service, programs, made: Mutex::default(), services: Mutex::default() }
    }

    /// A new tool. It asks the service that all tests share.
    pub async fn tool(&self, purpose: &str) -> Tool {
        self.tool_with(purpose, None).await
    }

    /// A new tool whose home holds another certificate than the one that it shows.
    pub async fn tool_whose_home_holds(&self, purpose: &str, identity: &Identity) -> Tool {
        self.tool_with(purpose, Some(identity)).await
    }

    async fn tool_with(&self, purpose: &str, identity: Option<&Identity>) -> Tool {
        let made = self.cluster.plan_tool(purpose);
        // Noted before it is made, so that half of it goes too.
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(made.clone());
        self.cluster.make_tool(&made, identity.unwrap_or(&made.identity)).await;
        Tool::new(made, Arc::clone(&self.cluster), self.programs.clone(), Arc::clone(&self.service))
    }

    /// Takes a tool away that a test of very many needs no more.
    pub async fn remove(&self, tool: &Tool) {
        let mut made = self.made();
        made.retain(|made| made.name == tool.name);
        for made in made {
            self.cluster.remove(&made).await;
        }
        let mut left = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        left.retain(|made| made.name != tool.name);
    }

    /// The name of a tool that the test makes itself, by other means; what it makes is taken away
    /// too.
    pub fn unmade_tool(&self, purpose: &str) -> String {
        let made = self.cluster.plan_tool(purpose);
        let name = made.name.clone();
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(made);
        name
    }

    /// The folder of the two programs.
    pub fn programs_folder(&self) -> &Path {
        self.programs.command.parent().unwrap_or(&self.programs.command)
    }

    /// The service that all tests share: it must not be disturbed.
    pub fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// A service of the test's own.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_service(&self) -> Arc<Service> {
        self.start_service_at(&self.cluster.site.server).await
    }

    /// The same, reaching the API server through this URL.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_service_at(&self, server: &str) -> Arc<Service> {
        let site = Site { server: server.to_owned(), ..self.cluster.site.clone() };
        self.note(Service::start(&self.programs, &site).await)
    }

    /// A service of the test's own that is set up otherwise than all others, by these variables.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_service_with(&self, variables: Variables) -> Arc<Service> {
        let address = Ipv4Addr::LOCALHOST.into();
        let (programs, site) = (&self.programs, &self.cluster.site);
        self.note(Service::start_set(address, variables, programs, site).await)
    }

    /// A service with the files of one that has gone.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_next(&self, service: &Service) -> Arc<Service> {
        self.note(service.next(&self.programs, &self.cluster.site).await)
    }

    /// A service where pods reach it: the one inside the cluster, or else one of the test's own.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn service_for_pods(&self) -> Arc<Service> {
        // A proxy listens on this machine alone.
        if self.cluster.installed().is_some_and(|it| !it.is_behind_proxy) {
            return Arc::clone(&self.service);
        }
        let address = self.cluster.address_for_pods().await;
        self.note(Service::start_at(address, &self.programs, &self.cluster.site).await)
    }

    fn note(&self, started: Result<Service, ServiceError>) -> Arc<Service> {
        let service = Arc::new(started.unwrap_or_else(|error| panic!("{error}")));
        self.services.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&service));
        service
    }

    /// The command, such that it runs in a pod.
    ///
    /// # Panics
    /// When it can't be built.
    pub async fn command_for_pods(&self) -> PathBuf {
        if !self.cluster.is_real() {
            return self.programs.command.clone();
        }
        let built = Programs::build_static_command(&Machine::read().cargo).await;
        built.unwrap_or_else(|error| panic!("{error}"))
    }

    /// A certificate of the cluster's CA.
    pub fn issue(&self, subject: Subject) -> Identity {
        self.cluster.authority().issue(subject)
    }

    /// What can be seen of this test's tools, for whoever has to find out why it failed.
    pub(crate) async fn report(&self) -> String {
        let made = self.made();
        let own = self.services.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut text = String::new();
        for tool in &made {
            text.push_str(&report::namespace(&self.cluster.admin, &tool.name).await);
            text.push_str(&report::log_about(&self.service, &tool.name));
        }
        for service in own {
            text.push_str(&report::whole_log(&service));
        }
        text
    }

    /// Takes away what the test has made.
    pub(crate) async fn clear(&self) {
        let made = self.made();
        let removals = made.iter().map(|tool| self.cluster.remove(tool));
        let own = self.services.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let ends = own.iter().map(|service| service.close());
        tokio::join!(join_all(removals), join_all(ends));
    }

    fn made(&self) -> Vec<Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
