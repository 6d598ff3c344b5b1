//! Registries with toy children on real arbiters. A child appends numbers to a shared list, which
//! stands for the journal.

use std::{collections::HashMap, sync::Arc, time::Duration};

use actix::{Actor, ActorContext, AsyncContext, Context, Handler};
use actix_rt::Arbiter;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::{Command, Control, Deliver, Handle, Kind, Life, Limits, Refused, RestartRefused};
use crate::{clock::Clock, config::sections::Supervise};

type Journal = Arc<Mutex<HashMap<u32, Vec<u64>>>>;
type Reply = oneshot::Sender<Result<usize, Refused>>;

/// A row over which loading panics.
const POISON: u64 = u64::MAX;

enum Ask {
    /// Appends a number.
    Add(u64),
    /// Panics in the handler.
    Panic,
    /// Takes the message and never finishes with it.
    Hang,
    /// Blocks the thread.
    Block(Duration),
}

struct ToyCommand {
    ask: Ask,
    reply: Reply,
}

impl Command for ToyCommand {
    fn refuse(self, why: Refused) {
        let _ = self.reply.send(Err(why));
    }
}

struct ToyKind {
    journal: Journal,
    /// Panics while loading when the list of this child holds [`POISON`].
    births: Arc<Mutex<Vec<u32>>>,
}

impl Kind for ToyKind {
    const NAME: &'static str = "toy";
    type Id = u32;
    type Command = ToyCommand;
    type Child = Toy;
    fn build(&self, life: Life<Self>) -> Toy {
        self.births.lock().push(*life.id());
        Toy { life, journal: Arc::clone(&self.journal), hanging: Vec::new() }
    }
}

struct Toy {
    life: Life<ToyKind>,
    journal: Journal,
    hanging: Vec<Deliver<ToyCommand>>,
}

impl Actor for Toy {
    type Context = Context<Self>;
    fn started(&mut self, _: &mut Self::Context) {
        self.life.doing(|| "reading".to_owned());
        let poisoned = self.journal.lock().get(self.life.id()).is_some_and(|list| list.contains(&POISON));
        assert!(!poisoned, "poison row");
        self.life.ready();
    }
}

impl Handler<Deliver<ToyCommand>> for Toy {
    type Result = ();
    fn handle(&mut self, deliver: Deliver<ToyCommand>, _: &mut Self::Context) {
        match deliver.command.ask {
            Ask::Add(number) => {
                let mut journal = self.journal.lock();
                let list = journal.entry(*self.life.id()).or_default();
                list.push(number);
                let _ = deliver.command.reply.send(Ok(list.len()));
            }
            Ask::Panic => panic!("told to"),
            Ask::Hang => self.hanging.push(deliver),
            Ask::Block(time) => std::thread::sleep(time),
        }
    }
}

impl Handler<Control> for Toy {
    type Result = ();
    fn handle(&mut self, control: Control, ctx: &mut Self::Context) {
        match control {
            Control::MayStop | Control::Finish => {
                self.life.stopped();
                ctx.stop();
            }
            Control::Report => {
                self.life
                    .report(serde_json::json!({ "hanging": self.hanging.len() }), Clock::real().monotonic());
            }
            Control::Abandon => {
                self.life.replaced();
                ctx.terminate();
            }
        }
        let _ = ctx.address();
    }
}

struct Rig {
    handle: Handle<ToyKind>,
    journal: Journal,
    births: Arc<Mutex<Vec<u32>>>,
    _arbiters: Vec<Arbiter>,
}

fn rig(change: impl FnOnce(&mut Supervise, &mut Limits)) -> Rig {
    let mut section = Supervise::default();
    let mut limits = Limits::new(&section);
    change(&mut section, &mut limits);
    let journal: Journal = Arc::default();
    let births: Arc<Mutex<Vec<u32>>> = Arc::default();
    let arbiters: Vec<Arbiter> = (0..3).map(|_| Arbiter::new()).collect();
    let kind = ToyKind { journal: Arc::clone(&journal), births: Arc::clone(&births) };
    let handles = arbiters.iter().skip(1).map(Arbiter::handle).collect();
    let handle = Handle::start(kind, limits, Clock::real(), arbiters[0].handle(), handles);
    Rig { handle, journal, births, _arbiters: arbiters }
}

impl Rig {
    fn post(&self, id: u32, ask: Ask) -> oneshot::Receiver<Result<usize, Refused>> {
        let (reply, answer) = oneshot::channel();
        self.handle.ask(id, ToyCommand { ask, reply });
        answer
    }
    async fn add(&self, id: u32, number: u64) -> Option<Result<usize, Refused>> {
        self.post(id, Ask::Add(number)).await.ok()
    }
    async fn state(&self, id: u32) -> String {
        self.handle.inspect(id).await.map_or("absent".to_owned(), |inspect| inspect.state.to_owned())
    }
    async fn until_open(&self, open: usize) {
        for _ in 0..2000 {
            if self.handle.open() == open {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("{} are open", self.handle.open());
    }
    async fn until(&self, id: u32, state: &str) {
        for _ in 0..2000 {
            if self.state(id).await == state {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{id} never got {state}, it is {}", self.state(id).await);
    }
}

#[actix::test]
async fn a_child_is_started_by_its_first_message_and_found_again() {
    let rig = rig(|_, _| {});
    assert_eq!(rig.add(1, 10).await, Some(Ok(1)));
    assert_eq!(rig.add(1, 11).await, Some(Ok(2)));
    assert_eq!(rig.add(2, 10).await, Some(Ok(1)));
    assert_eq!(*rig.births.lock(), vec![1, 2]);
    let list = rig.handle.list(10).await;
    assert_eq!(list.iter().map(|inspect| inspect.id.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(list[0].detail["hanging"], 0);
    rig.until_open(0).await;
}

#[actix::test]
async fn a_panic_is_answered_and_the_next_message_finds_a_new_child_with_its_state() {
    let rig = rig(|_, limits| limits.policy.intensity = 100_000);
    let mut lost = 0;
    for round in 0..1000_u64 {
        let id = (round % 50) as u32;
        // A message that finds the dying child gets an error; its sender tries again.
        while rig.add(id, round).await.is_none_or(|answer| answer.is_err()) {}
        if rig.post(id, Ask::Panic).await.is_err() {
            lost += 1;
        }
    }
    assert_eq!(lost, 1000, "each panic closes the reply of its message");
    for id in 0..50 {
        rig.until(id, "alive").await;
        let inspect = rig.handle.inspect(id).await.unwrap();
        assert_eq!(inspect.restarts, 20);
    }
    assert_eq!(rig.journal.lock().values().map(Vec::len).sum::<usize>(), 1000);
    rig.until_open(0).await;
}

#[actix::test]
async fn above_the_intensity_a_child_is_held_back_and_comes_again() {
    let rig = rig(|_, limits| {
        // Wide enough that a slow machine still sees the state between two looks.
        limits.policy.window = Duration::from_secs(600);
        limits.policy.backoff_max = Duration::from_secs(2);
    });
    for _ in 0..6 {
        rig.until(7, if rig.births.lock().is_empty() { "absent" } else { "alive" }).await;
        assert!(rig.post(7, Ask::Panic).await.is_err());
    }
    rig.until(7, "crash_looping").await;
    assert_eq!(rig.add(8, 1).await, Some(Ok(1)), "neighbours are fine");
    rig.until(7, "alive").await;
    assert_eq!(rig.add(7, 1).await, Some(Ok(1)));
    assert_eq!(rig.births.lock().iter().filter(|id| **id == 7).count(), 7);
}

#[actix::test]
async fn a_poison_row_names_what_was_read_and_refuses_messages() {
    let rig = rig(|_, _| {});
    rig.journal.lock().insert(3, vec![POISON]);
    let refused = rig.add(3, 1).await;
    assert_eq!(refused, Some(Err(Refused::CrashLooping)));
    rig.until(3, "crash_looping").await;
    let inspect = rig.handle.inspect(3).await.unwrap();
    assert_eq!(inspect.last_exit, Some(super::Exit::Panic(Some("reading".to_owned()))));
    assert_eq!(rig.handle.restart(3).await, Err(RestartRefused::CrashLooping));
    rig.journal.lock().insert(3, vec![]);
    assert_eq!(rig.handle.restart(3).await, Ok(()));
    assert_eq!(rig.add(3, 1).await, Some(Ok(1)));
    assert_eq!(rig.handle.restart(99).await, Err(RestartRefused::Absent));
}

/// F36: sends race with passivation, wanted restarts and rest; each is handled once, in order, or
/// refused; none is silent.
#[actix::test]
async fn ten_thousand_sends_race_with_stop_passivate_and_restart() {
    let rig = rig(|_, limits| {
        limits.passivate_after = Duration::from_millis(2);
        limits.tick = Duration::from_millis(1);
    });
    let mut answers = Vec::new();
    for number in 0..10_000_u64 {
        answers.push((number, rig.post((number % 5) as u32, Ask::Add(number))));
        if number % 97 == 0 {
            let (handle, id) = (rig.handle.clone(), (number % 5) as u32);
            actix::spawn(async move {
                let _ = handle.restart(id).await;
            });
        }
        if number % 50 == 0 {
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    }
    let mut taken = Vec::new();
    for (number, answer) in answers {
        match answer.await {
            Ok(Ok(_)) => taken.push(number),
            Ok(Err(_)) => {}
            Err(_) => panic!("{number} was silent"),
        }
    }
    let journal = rig.journal.lock();
    for (id, list) in journal.iter() {
        assert!(list.is_sorted(), "in order");
        assert!(list.windows(2).all(|pair| pair[0] != pair[1]), "once");
        assert_eq!(list.len(), taken.iter().filter(|number| **number % 5 == u64::from(*id)).count());
    }
    assert!(taken.len() > 9_000, "{} taken", taken.len());
    assert!(rig.births.lock().len() > 100, "{} births", rig.births.lock().len());
}

#[actix::test]
async fn a_wanted_restart_loses_nothing() {
    let rig = rig(|_, _| {});
    let mut answers = Vec::new();
    for number in 0..200 {
        answers.push(rig.post(1, Ask::Add(number)));
        if number % 20 == 0 {
            let (reply, _ignored) = oneshot::channel();
            let _ = rig.handle.tell(super::messages::Restart { id: 1, reply });
        }
    }
    for answer in answers {
        assert!(answer.await.is_ok_and(|answer| answer.is_ok()));
    }
    assert_eq!(rig.journal.lock()[&1], (0..200).collect::<Vec<_>>());
}

#[actix::test]
async fn a_full_queue_answers_busy() {
    let rig = rig(|_, limits| {
        limits.mailbox = 10;
        limits.all = 25;
    });
    let mut answers: Vec<_> = (0..30).map(|_| rig.post(1, Ask::Hang)).collect();
    rig.until(1, "alive").await;
    let mut busy = 0;
    while let Some(mut answer) = answers.pop() {
        if let Ok(Err(Refused::Busy)) = answer.try_recv() {
            busy += 1;
        } else {
            std::mem::forget(answer);
        }
    }
    assert_eq!(busy, 20, "ten wait in the child; the others were answered");
    assert_eq!(rig.add(2, 1).await, Some(Ok(1)));
    rig.until_open(10).await;
}

#[actix::test]
async fn a_child_stuck_in_an_await_is_replaced() {
    let rig = rig(|_, limits| {
        limits.stall_alarm = Duration::from_millis(100);
        limits.replace_after = Duration::from_millis(200);
        limits.tick = Duration::from_millis(20);
    });
    assert_eq!(rig.add(1, 1).await, Some(Ok(1)));
    let hung = rig.post(1, Ask::Hang);
    assert!(hung.await.is_err(), "its sender hears of it");
    rig.until(1, "alive").await;
    assert_eq!(rig.add(1, 2).await, Some(Ok(2)));
    assert_eq!(*rig.births.lock(), vec![1, 1]);
}

#[actix::test]
async fn children_of_a_blocked_thread_move_to_a_new_one() {
    let rig = rig(|_, limits| {
        limits.stall_alarm = Duration::from_millis(150);
        limits.replace_after = Duration::from_millis(300);
        limits.tick = Duration::from_millis(20);
    });
    for id in 0..20 {
        assert_eq!(rig.add(id, 1).await, Some(Ok(1)));
    }
    let _blocked = rig.post(1, Ask::Block(Duration::from_secs(5)));
    for id in 0..20 {
        let mut answer = rig.add(id, 2).await;
        while answer != Some(Ok(2)) {
            answer = rig.add(id, 2).await;
            assert!(rig.journal.lock()[&id].len() < 50);
            if rig.journal.lock()[&id].len() >= 2 {
                break;
            }
        }
    }
    assert_eq!(rig.births.lock().iter().filter(|id| **id == 1).count(), 2);
}

#[actix::test]
async fn a_registry_that_panics_is_built_anew_and_adopts_its_children() {
    let rig = rig(|_, _| {});
    assert_eq!(rig.add(1, 1).await, Some(Ok(1)));
    assert!(rig.handle.tell(super::registry::Explode).is_ok());
    let mut answer = rig.add(1, 2).await;
    while answer != Some(Ok(2)) {
        assert!(matches!(answer, None | Some(Err(_))), "{answer:?}");
        answer = rig.add(1, 2).await;
    }
    assert_eq!(*rig.births.lock(), vec![1], "the same child");
    rig.until(1, "alive").await;
}
