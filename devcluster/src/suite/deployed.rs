//! The deployed service's own command, as it is on `PyPI`, run as a tool.
//!
//! It finds the service by the file `~/.toolforge.yaml`, and tool and certificate by the kubeconfig. It
//! does not verify the service's certificate.

use std::{ffi::OsStr, io::Write, net::SocketAddr};

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
        self.write_settings(&settings).expect("a home can be written");
        let (kubeconfig, user) = (self.home.join(".kube/config"), format!("tools.{}", self.name));
        let variables: [(&str, &OsStr); 3] = [
            ("HOME", self.home.as_os_str()),
            ("KUBECONFIG", kubeconfig.as_os_str()),
            ("LOGNAME", OsStr::new(&user)),
        ];
        run_program(&program, words, &variables).await
    }

    /// At once, since another call of the command may be reading it.
    fn write_settings(&self, settings: &str) -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.home)?;
        file.write_all(settings.as_bytes())?;
        file.persist(self.home.join(".toolforge.yaml"))?;
        Ok(())
    }
}
