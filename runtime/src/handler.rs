//! Handlers: async functions from a scope, and at most three inputs, to a reply.
//!
//! The signature is the specification: what a handler takes says who may ask and what is read from
//! the request, what it gives says how it is answered.

use futures_util::future::BoxFuture;

use crate::{
    body::Response,
    conditional::KnownTags,
    context::{Application, Scope},
    exchange::Exchange,
    failure::Failure,
    input::{Input, Received},
    reply::Reply,
};

/// A function that can stand behind a route: `async fn(Context<S>) -> Result<impl Reply, impl
/// Into<Failure>>`, or the same with up to three [`Input`]s behind it. With
/// [`Anonymous`](crate::Anonymous) in the place of [`Context`](crate::Context) it answers everybody.
///
/// `Args` stands for the arguments, so that all shapes can implement one trait; nobody needs to
/// name it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't stand behind a route",
    note = "a handler is `async fn(Context<S>) -> Result<impl Reply, impl Into<Failure>>`, with \
            up to three `Input`s more if it needs them"
)]
pub trait Handler<S: Application, Args>: Clone + Send + Sync + 'static {
    /// Whether it answers only those who have proven who they are.
    const NEEDS_CALLER: bool;
    /// Whether it reads the query; if not, there must be none.
    const READS_QUERY: bool;
    /// The headers that its inputs are read from.
    const HEADERS: &'static [Option<&'static str>];

    /// Reads the inputs, calls the function, and makes its value or error an answer.
    fn call(
        self,
        exchange: Exchange<S>,
        received: Received,
    ) -> BoxFuture<'static, Result<Response, Failure>>;
}

macro_rules! handlers {
    ($($Input:ident $input:ident),*) => {
        impl<S, F, Fut, C, $($Input,)* R, E> Handler<S, (C, $($Input,)*)> for F
        where
            S: Application,
            F: Fn(C, $($Input),*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output = Result<R, E>> + Send,
            C: Scope<S>,
            $($Input: Input,)*
            R: Reply,
            E: Into<Failure>,
        {
            const NEEDS_CALLER: bool = C::NEEDS_CALLER;
            const READS_QUERY: bool = false $(|| $Input::READS_QUERY)*;
            const HEADERS: &'static [Option<&'static str>] = &[$($Input::HEADER),*];

            fn call(
                self,
                exchange: Exchange<S>,
                received: Received,
            ) -> BoxFuture<'static, Result<Response, Failure>> {
                Box::pin(async move {
                    let media = received.media;
                    let known_tags = KnownTags::of(&received);
                    let scope = C::of(exchange, &received)?;
                    $(let $input = $Input::from_request(&received)?;)*
                    drop(received);
                    let reply = self(scope, $($input),*).await.map_err(Into::into)?;
                    let response = reply.into_response(media)?;
                    Ok(known_tags.leave_out_what_is_known(response))
                })
            }
        }
    };
}

handlers!();
handlers!(I input);
handlers!(I input, J other);
handlers!(I input, J other, K third);
