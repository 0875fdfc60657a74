//! Handlers: async functions from a context, and at most one input, to a reply.
//!
//! The signature is the specification: what a handler takes says what is read from the request,
//! what it gives says how it is answered. There are two shapes and no more, so nothing is hidden
//! behind them.

use futures_util::future::BoxFuture;

use crate::{
    context::{Application, Context},
    failure::Failure,
    input::{Input, Received},
    reply::{Reply, Response},
};

/// A function that can stand behind a route: `async fn(Context<S>) -> Result<impl Reply, impl
/// Into<Failure>>`, or the same with an [`Input`] as the second argument.
///
/// `Args` stands for the arguments, so that both shapes can implement one trait; nobody needs to
/// name it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't stand behind a route",
    note = "a handler is `async fn(Context<S>) -> Result<impl Reply, impl Into<Failure>>`, with \
            one `Input` more if it needs it"
)]
pub trait Handler<S: Application, Args>: Clone + Send + Sync + 'static {
    /// Reads the input, calls the function, and makes its value or error an answer.
    fn call(
        self,
        context: Context<S>,
        received: Received,
    ) -> BoxFuture<'static, Result<Response, Failure>>;
}

impl<S, F, Fut, R, E> Handler<S, ()> for F
where
    S: Application,
    F: Fn(Context<S>) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<R, E>> + Send,
    R: Reply,
    E: Into<Failure>,
{
    fn call(
        self,
        context: Context<S>,
        _: Received,
    ) -> BoxFuture<'static, Result<Response, Failure>> {
        Box::pin(async move { self(context).await.map_err(Into::into)?.into_response() })
    }
}

impl<S, F, Fut, I, R, E> Handler<S, (I,)> for F
where
    S: Application,
    F: Fn(Context<S>, I) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<R, E>> + Send,
    I: Input,
    R: Reply,
    E: Into<Failure>,
{
    fn call(
        self,
        context: Context<S>,
        received: Received,
    ) -> BoxFuture<'static, Result<Response, Failure>> {
        Box::pin(async move {
            let input = I::from_request(&received)?;
            drop(received);
            self(context, input).await.map_err(Into::into)?.into_response()
        })
    }
}
