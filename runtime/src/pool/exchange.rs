//! What became of a call that has no answer: whether Kubernetes may have done it.

use std::{error::Error, io, iter::successors};

use rustls::AlertDescription;

/// Whether a call of such a client failed before anything of it was sent, since there was no
/// connection. Then Kubernetes has not done it, and will not do it later either.
pub fn was_never_sent(error: &kube::Error) -> bool {
    causes(error)
        .find_map(|cause| cause.downcast_ref::<hyper_util::client::legacy::Error>())
        .is_some_and(hyper_util::client::legacy::Error::is_connect)
}

/// Whether the other side did not accept the client's certificate, or what was sent along with it,
/// and said so by a TLS alert. Then Kubernetes has not done it, although it may have been sent: with
/// TLS 1.3 a client may speak before it hears of that.
pub fn was_refused_by_tls(error: &kube::Error) -> bool {
    causes(error).filter_map(|cause| cause.downcast_ref()).any(|error| {
        matches!(error, rustls::Error::AlertReceived(alert) if is_about_a_certificate(*alert))
    })
}

/// Whether such an alert comes of what is in a home. A handshake that fails for anything else is
/// the fault of no tool.
fn is_about_a_certificate(alert: AlertDescription) -> bool {
    use AlertDescription as Alert;
    matches!(
        alert,
        Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::CertificateRequired
            | Alert::UnknownCA
            | Alert::AccessDenied
            // A certificate that can't be read, or a signature by another key.
            | Alert::DecodeError
            | Alert::DecryptError
    )
}

/// An error and its causes. What an `io::Error` wraps is one of them, which its `source` skips.
pub(crate) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |&error| {
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

#[cfg(test)]
mod tests;
