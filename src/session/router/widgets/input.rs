//! `widget_send_input`.

use serde_json::value::RawValue;

use super::{
    connect::{check_size, may_execute},
    refusal::{Refusal, named, refuse},
};
use crate::{
    engine::{self, Submitter},
    error::Code,
    ids::{RunId, TenantId},
    protocol::events::{Server, WidgetInput, WidgetInputAck, WidgetInputReceived},
    session::router::hub::{From, Inner},
};

/// Hands something to the run of a widget.
pub(in crate::session::router) async fn input(router: &Inner, from: &From, argument: &RawValue) {
    let input = match WidgetInput::parse(argument) {
        Ok(input) => input,
        Err(error) => return refuse(from, Code::InputFailed, named(argument), &error),
    };
    let widget = input.widget_id.clone();
    match try_input(router, from, input).await {
        Ok(received) => {
            from.acknowledge(&WidgetInputAck {
                ok: true,
                instance_id: received.instance_id.clone(),
                seq: received.seq,
                collection_request_id: received.collection_request_id.clone(),
            });
            from.emit(Server::WidgetInputReceived, &received);
        }
        Err(refusal) => refuse(from, Code::InputFailed, Some(widget), &refusal),
    }
}

async fn try_input(router: &Inner, from: &From, input: WidgetInput) -> Result<WidgetInputReceived, Refusal> {
    let (tenant, run) = run_of(router, from, &input).await?;
    router.rates.take(&tenant).map_err(Refusal::TooFast)?;
    check_size(router, "the input", [Some(&input.data)])?;
    let identity = &from.seat.identity;
    let by = Submitter {
        user: identity.user.clone(),
        api_key: identity.api_key().cloned(),
        email: identity.email.clone(),
    };
    let heard = engine::WidgetInput {
        widget: input.widget_id.clone(),
        input_type: input.input_type.clone(),
        data: input.data,
        answers: None,
    };
    let taken = router.runs.widget_input(&tenant, &run, heard, by).await?;
    Ok(WidgetInputReceived {
        widget_id: input.widget_id,
        instance_id: run,
        input_type: input.input_type,
        success: true,
        collection_request_id: taken.collection,
        seq: taken.seq,
    })
}

/// The run of this socket's registration; of any other it takes the right to execute.
async fn run_of(router: &Inner, from: &From, input: &WidgetInput) -> Result<(TenantId, RunId), Refusal> {
    let held = from.seat.widgets.borrow().get(&input.widget_id).cloned();
    let (tenant, run) = match (&input.instance_id, held) {
        (None, None) => return Err(Refusal::NotConnected),
        (None, Some(held)) => (held.watched.tenant, held.run),
        (Some(run), Some(held)) if *run == held.run => (held.watched.tenant, held.run),
        (Some(run), _) => {
            let located = router.runs.locate(run).await?.ok_or(Refusal::RunNotFound)?;
            let tenant = located.run.tenant_id;
            may_execute(router, from, &tenant, Refusal::RunNotFound).await?;
            (tenant, run.clone())
        }
    };
    if input.tenant_id.as_ref().is_some_and(|given| *given != tenant) {
        return Err(Refusal::RunNotFound);
    }
    Ok((tenant, run))
}
