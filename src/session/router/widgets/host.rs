//! Runs, as registrations need them: `widget` and `workflow` are of one floor and do not know each other.

use futures_util::future::BoxFuture;

use crate::{
    ids::RunId,
    store::tables::runs::{Executor, Run},
    widget::{Error, Host, Starting, Watcher},
    workflow::{Attach, FirstWatcher, Located, Registrant, Runs, StartRun, Starter},
};

/// The door to runs, for the door to registrations.
pub struct OfRuns(pub Runs);

fn registrant(watcher: Watcher) -> Registrant {
    let Watcher { member, key, projection, replaces, ack } = watcher;
    Registrant { member, key, projection, replaces, ack }
}

impl Host for OfRuns {
    fn start(&self, starting: Starting) -> BoxFuture<'static, Result<RunId, Error>> {
        let runs = self.0.clone();
        let Starting { tenant, workflow, inputs, user, api_key, watcher, row, hub } = starting;
        let start = StartRun {
            tenant,
            workflow,
            inputs,
            executor: Executor::Internal,
            starter: Starter { user, api_key },
            idempotency_key: None,
        };
        let first = FirstWatcher { registrant: registrant(watcher), row, hub };
        Box::pin(async move {
            let started = runs.start_watched(start, first).await;
            started.map(|started| started.instance_id).map_err(|error| Error::of_run(&error))
        })
    }

    fn attach(&self, run: Run, watcher: Watcher, once: bool) -> BoxFuture<'static, Result<(), Error>> {
        let runs = self.0.clone();
        let attach = Attach { run: Located { run }, registrant: registrant(watcher), once };
        Box::pin(async move { runs.attach(attach).await.map_err(|error| Error::of_run(&error)) })
    }
}
