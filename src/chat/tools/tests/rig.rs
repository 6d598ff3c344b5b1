//! Two tenants with people of all kinds, a shop in a SQLite file, a service that notes what it is sent.

use std::{collections::HashMap, sync::Arc};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    ai::{Called, Desk, Person, ToolCall, ToolError, catalogue::Catalogue},
    auth::{Auth, By, NewTenant, NewUser, Permission, directory::StoreDirectory},
    chat::{
        Answered, Hands, Proposal,
        tools::{Host, Parts, Plan, RunSeen, Start, StartTest, Tools, Trouble},
    },
    clock::Clock,
    config::sections,
    datasource::{self, DataSources},
    error::Code,
    ids::{
        ChatRoomId, DataQueryId, DataSourceId, HubId, MessageId, ProposalId, RunId, TenantId, UserId,
        WorkflowId,
    },
    outbound::Outbound,
    store::{
        Store,
        tables::{
            dataqueries::{self, NewDataQuery},
            datasources::{self, NewDataSource},
        },
    },
};

/// Workflows and runs as a test wants them; notes what is started.
#[derive(Default)]
pub struct FakeHost {
    pub plans: Mutex<HashMap<(TenantId, WorkflowId), Plan>>,
    pub runs: Mutex<HashMap<(TenantId, RunId), RunSeen>>,
    pub keys: Mutex<HashMap<String, RunId>>,
    pub starts: Mutex<Vec<Start>>,
    pub tests: Mutex<Vec<StartTest>>,
    /// What the next starts answer instead; with `true` the run begins all the same.
    pub troubles: Mutex<Vec<(Trouble, bool)>>,
}

impl FakeHost {
    fn begin(&self, start: Start) -> RunId {
        let run = self.keys.lock().entry(start.key.clone()).or_insert_with(RunId::generate).clone();
        self.starts.lock().push(start);
        run
    }
}

pub struct Hosted(pub Arc<FakeHost>);

impl Host for Hosted {
    fn plan(
        &self,
        tenant: TenantId,
        workflow: WorkflowId,
    ) -> BoxFuture<'static, Result<Option<Plan>, Trouble>> {
        let found = self.0.plans.lock().get(&(tenant, workflow)).cloned();
        Box::pin(async move { Ok(found) })
    }
    fn started(
        &self,
        _: TenantId,
        _: WorkflowId,
        key: String,
    ) -> BoxFuture<'static, Result<Option<RunId>, Trouble>> {
        let found = self.0.keys.lock().get(&key).cloned();
        Box::pin(async move { Ok(found) })
    }
    fn start(&self, start: Start) -> BoxFuture<'static, Result<RunId, Trouble>> {
        let mut troubles = self.0.troubles.lock();
        let trouble = (!troubles.is_empty()).then(|| troubles.remove(0));
        drop(troubles);
        let answer = match trouble {
            Some((trouble, begins)) => {
                if begins {
                    self.0.begin(start);
                }
                Err(trouble)
            }
            None => Ok(self.0.begin(start)),
        };
        Box::pin(async move { answer })
    }
    fn start_test(&self, start: StartTest) -> BoxFuture<'static, Result<RunId, Trouble>> {
        let run = RunId::generate();
        let seen = RunSeen { is_test: true, starter: Some(start.person.user.clone()), ..ended("Report") };
        self.0.runs.lock().insert((start.tenant.clone(), run.clone()), seen);
        self.0.tests.lock().push(start);
        Box::pin(async move { Ok(run) })
    }
    fn run(&self, tenant: TenantId, run: RunId) -> BoxFuture<'static, Result<Option<RunSeen>, Trouble>> {
        let found = self.0.runs.lock().get(&(tenant, run)).cloned();
        Box::pin(async move { Ok(found) })
    }
}

/// A run that has completed.
pub fn ended(title: &str) -> RunSeen {
    RunSeen {
        title: title.to_owned(),
        status: "COMPLETED",
        is_test: false,
        starter: None,
        output: Some(json!({ "total": 3 })),
        error: None,
        waits_for: 0,
    }
}

/// What may be tried again.
pub fn trouble(unsure: bool) -> Trouble {
    let error = ToolError::Failed { code: Code::Busy, message: "busy".to_owned() };
    Trouble { error, again: true, unsure }
}

pub struct Rig {
    pub tools: Tools,
    pub auth: Auth,
    pub store: Store,
    pub host: Arc<FakeHost>,
    pub tenant: TenantId,
    /// Another one, with a member of its own.
    pub other: TenantId,
    /// ADMIN.
    pub ann: Person,
    /// MEMBER.
    pub bob: Person,
    /// MEMBER of the other tenant only.
    pub eve: Person,
    /// May chat and nothing else.
    pub mute: Person,
    pub shop: DataSourceId,
    pub service: DataSourceId,
    pub server: Server,
    pub dir: tempfile::TempDir,
}

pub fn operator() -> By {
    By { who: "test".to_owned(), request: None, ip: None }
}

async fn person(auth: &Auth, tenant: &TenantId, name: &str, role: &str) -> Person {
    let new = NewUser { subject: name.to_owned(), ..NewUser::default() };
    let user = auth.create_member(&operator(), tenant, new, role).await.unwrap();
    Person { user: user.id, subject: user.subject, api_key: None }
}

impl Rig {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut sections::Ai)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (own, journal) = (sections::Database::default(), sections::Journal::default());
        // No source's file may be in the state directory.
        let (state, files) = (dir.path().join("state"), dir.path().join("files"));
        std::fs::create_dir(&state).unwrap();
        std::fs::create_dir(&files).unwrap();
        let store = Store::open(&own, &journal, &state, HubId::generate(), Clock::real()).unwrap();
        let auth = Auth::offline(Arc::new(StoreDirectory::new(store.clone())), Clock::real());
        let (tenant, other) = (TenantId::trusted("t1"), TenantId::trusted("t2"));
        for id in [&tenant, &other] {
            let new = NewTenant { id: Some(id.clone()), ..NewTenant::default() };
            auth.create_tenant(&operator(), None, new).await.unwrap();
        }
        let chat = vec![Permission::AiChat.as_str().to_owned()];
        auth.put_role(&operator(), &tenant, "MUTE", chat).await.unwrap();
        let server = Server::start().await;
        let shop = rusqlite::Connection::open(files.join("shop.db")).unwrap();
        shop.execute_batch(
            "CREATE TABLE sales (id INTEGER PRIMARY KEY, month TEXT, total REAL);
             INSERT INTO sales VALUES (1, '2026-09', 1.5), (2, '2026-10', 2.5), (3, '2026-10', 3.5);",
        )
        .unwrap();
        let outbound = sections::Outbound {
            allow_private: true,
            ports: vec![server.port],
            ..sections::Outbound::default()
        };
        let sources = DataSources::new(datasource::Parts {
            settings: sections::DataSource {
                allow_loopback: true,
                sqlite_dir: Some(files),
                ..sections::DataSource::default()
            },
            own,
            state_dir: state,
            store: store.clone(),
            outbound: Outbound::new(&outbound).unwrap(),
            clock: Clock::real(),
        })
        .unwrap();
        let host = Arc::new(FakeHost::default());
        let mut ai = sections::Ai::default();
        change(&mut ai);
        let tools = Tools::new(Parts {
            auth: auth.clone(),
            sources: sources.clone(),
            host: Arc::new(Hosted(Arc::clone(&host))),
            catalogue: Catalogue::new(store.clone(), Clock::real()),
            store: store.clone(),
            ai,
            clock: Clock::real(),
        });
        let (shop, service) = (DataSourceId::generate(), DataSourceId::generate());
        let rig = Self {
            ann: person(&auth, &tenant, "ann", "ADMIN").await,
            bob: person(&auth, &tenant, "bob", "MEMBER").await,
            eve: person(&auth, &other, "eve", "MEMBER").await,
            mute: person(&auth, &tenant, "mute", "MUTE").await,
            tools,
            auth,
            store,
            host,
            tenant,
            other,
            server,
            dir,
            shop: shop.clone(),
            service: service.clone(),
        };
        rig.source(&shop, "sqlite", "Shop", json!({ "file": "shop.db" }), None).await;
        let secret = json!({ "token": "top-secret-token" }).to_string();
        let sealed = sources.vault().seal(&rig.tenant, service.as_str(), &secret).unwrap();
        let options = json!({ "url": rig.server.url(), "auth": { "type": "bearer" } });
        rig.source(&service, "http", "Service", options, Some(sealed)).await;
        rig
    }

    async fn source(
        &self,
        id: &DataSourceId,
        kind: &str,
        title: &str,
        options: Value,
        secret: Option<String>,
    ) {
        let new = NewDataSource {
            datasource_id: id.clone(),
            tenant_id: self.tenant.clone(),
            title: title.to_owned(),
            description: None,
            kind: kind.to_owned(),
            options,
            secret,
            creator_id: None,
            at: Timestamp::UNIX_EPOCH,
        };
        self.store.write(move |db| datasources::insert(db, &new).map(drop)).await.unwrap();
    }

    /// Saves a query over the shop or the service.
    pub async fn query(&self, source: &DataSourceId, title: &str, options: Value) -> DataQueryId {
        let id = DataQueryId::generate();
        let new = NewDataQuery {
            data_query_id: id.clone(),
            tenant_id: self.tenant.clone(),
            datasource_id: Some(source.clone()),
            title: title.to_owned(),
            description: None,
            options,
            folder_id: None,
            creator_id: None,
            at: Timestamp::UNIX_EPOCH,
        };
        self.store.write(move |db| dataqueries::insert(db, &new).map(drop)).await.unwrap();
        id
    }

    /// Sales of a month.
    pub async fn sales(&self) -> DataQueryId {
        let options = json!({
            "query": "SELECT month, total FROM sales WHERE month = {{month}} ORDER BY id",
            "inputDefinitions": [{ "key": "month", "type": "string", "required": true }],
        });
        self.query(&self.shop, "Sales", options).await
    }

    /// Adds a sale.
    pub async fn sell(&self) -> DataQueryId {
        let options = json!({
            "query": "INSERT INTO sales (month, total) VALUES ({{month}}, 9)", "readOnly": false,
            "inputDefinitions": [{ "key": "month", "type": "string", "required": true }],
        });
        self.query(&self.shop, "Sell", options).await
    }

    /// Rows of sales, from beside the hub.
    pub fn count(&self) -> i64 {
        let shop = rusqlite::Connection::open(self.dir.path().join("files/shop.db")).unwrap();
        shop.query_row("SELECT count(*) FROM sales", [], |row| row.get(0)).unwrap()
    }

    /// A workflow of the tenant.
    pub fn workflow(&self, plan: Plan) -> WorkflowId {
        let id = WorkflowId::generate();
        self.host.plans.lock().insert((self.tenant.clone(), id.clone()), plan);
        id
    }

    pub fn desk(&self, person: &Person) -> Arc<dyn Desk> {
        self.desk_in(person, &self.tenant)
    }

    pub fn desk_in(&self, person: &Person, tenant: &TenantId) -> Arc<dyn Desk> {
        self.tools.desk(person.clone(), tenant.clone(), ChatRoomId::generate())
    }

    pub async fn call(&self, person: &Person, call: &ToolCall) -> Called {
        self.desk(person).call(call.clone()).await
    }

    pub async fn check(&self, person: &Person, call: &ToolCall) -> Result<String, ToolError> {
        self.desk(person).check(call.clone()).await
    }

    pub async fn carry_out(&self, person: &Person, proposal: &Arc<Proposal>) -> Answered {
        self.tools.carry_out(Arc::clone(proposal), person.clone(), self.tenant.clone()).await
    }

    pub async fn preview(&self, person: &Person, call: &ToolCall) -> Called {
        self.tools.preview(proposal(call), person.clone(), self.tenant.clone()).await
    }

    pub async fn has_effect(&self, call: &ToolCall) -> bool {
        self.tools.has_effect(call.clone(), self.tenant.clone()).await
    }
}

/// Approved.
pub fn proposal(call: &ToolCall) -> Arc<Proposal> {
    Arc::new(Proposal {
        id: ProposalId::generate(),
        turn: MessageId::generate(),
        call: call.clone(),
        summary: "it".to_owned(),
        seal: None,
        expires_at: Timestamp::MAX,
    })
}

fn inputs(inputs: &Value) -> Map<String, Value> {
    inputs.as_object().cloned().unwrap_or_default()
}

pub fn run_query(query: &DataQueryId, given: Value) -> ToolCall {
    ToolCall::RunQuery { query: query.clone(), inputs: inputs(&given) }
}

pub fn start_workflow(workflow: &WorkflowId, given: Value) -> ToolCall {
    ToolCall::StartWorkflow { workflow: workflow.clone(), inputs: inputs(&given) }
}

pub fn nobody() -> Person {
    Person { user: UserId::generate(), subject: "nobody".to_owned(), api_key: None }
}

/// A server on loopback that notes what it is sent; `POST /cut` is read and never answered.
pub struct Server {
    pub port: u16,
    pub requests: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let noted = Arc::clone(&noted);
                tokio::spawn(async move {
                    let (mut got, mut buffer) = (Vec::new(), [0; 4096]);
                    while !is_whole(&got) {
                        match stream.read(&mut buffer).await {
                            Ok(0) | Err(_) => return,
                            Ok(read) => got.extend_from_slice(&buffer[..read]),
                        }
                    }
                    let request = String::from_utf8_lossy(&got).into_owned();
                    let (is_cut, is_bad) = (request.contains(" /cut"), request.contains(" /bad"));
                    noted.lock().push(request);
                    if !is_cut {
                        let (status, body) = if is_bad { (422, "{}") } else { (200, r#"{"ok":true}"#) };
                        let answer = format!(
                            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                             connection: close\r\n\r\n{body}",
                            body.len()
                        );
                        let _ = stream.write_all(answer.as_bytes()).await;
                    }
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { port, requests, task }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn count(&self) -> usize {
        self.requests.lock().len()
    }
}

fn is_whole(got: &[u8]) -> bool {
    let text = String::from_utf8_lossy(got).into_owned();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok())
        .unwrap_or(0_usize);
    body.len() >= length
}
