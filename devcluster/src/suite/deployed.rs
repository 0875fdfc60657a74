//! The deployed service's own command, as it is on `PyPI`, run as a tool.
//!
//! It finds the service by the file `~/.toolforge.yaml`, and tool and certificate by the kubeconfig. It
//! does not verify the service's certificate.

use std::{ffi::OsStr, net::SocketAddr};

use tokio::fs;

use super::{Output, Tool, run_program};
use crate::{Machine, secrets};

/// The two versions of the command, each under the name that CI gives it: today's, and one that sends
/// a null for everything that its user did not say.
pub const DEPLOYED: [&str; 2] = ["toolforge-jobs-16.2.3", "toolforge-jobs-16.1.14"];

impl Tool {
    /// Runs a version of the deployed service's command against the service that this tool asks.
    ///
    /// # Panics
    /// When this machine does not have it.
    pub async fn deployed(&self, version: &str, words: &[&str]) -> Output {
        self.deployed_at(self.service().address, version, words).await
    }

    /// The same, with the service at this address.
    ///
    /// # Panics
    /// When this machine does not have it.
    pub async fn deployed_at(&self, address: SocketAddr, version: &str, words: &[&str]) -> Output {
        secrets::know_words(words);
        let program = Machine::read().find(version).expect("the deployed service's command");
        let settings = format!("api_gateway: {{url: \"https://{address}\"}}\n");
        let file = self.home.join(".toolforge.yaml");
        fs::write(&file, settings).await.expect("a home can be written");
        let (kubeconfig, user) = (self.home.join(".kube/config"), format!("tools.{}", self.name));
        let variables: [(&str, &OsStr); 3] = [
            ("HOME", self.home.as_os_str()),
            ("KUBECONFIG", kubeconfig.as_os_str()),
            ("LOGNAME", OsStr::new(&user)),
        ];
        run_program(&program, words, &variables).await
    }
}
