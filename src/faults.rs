//! Named points where a test may stop, fail or kill the process (`faults.md` 2).
//!
//! They are there only with the feature `failpoints` and are driven by the environment variable
//! `FAILPOINTS` (`name=25%return(kill);other=sleep(100)`); without the feature the macro is empty
//! and `FAILPOINTS` is ignored.

/// `crash_point!("name")`: actions `return(kill)` (SIGKILL to this process), `panic`, `sleep(ms)`,
/// `pause`. `crash_point!("name", error)`: also `return(err)`, which leaves the enclosing function
/// with `Err(error)`.
#[macro_export]
macro_rules! crash_point {
    ($name:expr) => {
        #[cfg(feature = "failpoints")]
        {
            (|| {
                fail::fail_point!($name, |action| $crate::faults::act(action));
            })();
        }
    };
    ($name:expr, $error:expr) => {
        #[cfg(feature = "failpoints")]
        {
            fail::fail_point!($name, |action| {
                $crate::faults::act(action);
                Err($error)
            });
        }
    };
}

/// Reads `FAILPOINTS`; the returned guard keeps the points armed. Nothing without the feature.
#[must_use = "dropping the guard disarms the points"]
pub fn setup() -> impl Sized {
    #[cfg(feature = "failpoints")]
    {
        fail::FailScenario::setup()
    }
}

/// Carries out `return(kill)`: the process ends as by `kill -9`, nothing is flushed.
#[cfg(feature = "failpoints")]
pub fn act(action: Option<String>) {
    if action.as_deref() == Some("kill") {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        loop {
            std::thread::park();
        }
    }
}
