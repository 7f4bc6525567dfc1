//! Signals that ask the program to end.
//!
//! Owns doing one last thing before it does. Pipelines stops a step by `SIGTERM`, and kills it ten seconds later.

#[cfg(unix)]
pub(super) use unix::Watch;

#[cfg(unix)]
mod unix {
    use std::io;
    use std::thread::{self, JoinHandle};

    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::{Handle, Signals};

    /// What a shell calls the end by a signal: 128 and its number.
    const BY_SIGNAL: i32 = 128;

    /// Watches for signals until it is dropped.
    pub(in super::super) struct Watch {
        handle: Handle,
        thread: Option<JoinHandle<()>>,
    }

    impl Watch {
        /// At the first signal, does `last` and ends the program.
        pub(in super::super) fn start(last: impl Fn() + Send + 'static) -> io::Result<Self> {
            // Not by the signal's own default, which does not end the first process of a container.
            Self::with(last, |signal| signal_hook::low_level::exit(BY_SIGNAL + signal))
        }

        fn with(last: impl Fn() + Send + 'static, end: impl Fn(i32) + Send + 'static) -> io::Result<Self> {
            let mut signals = Signals::new([SIGTERM, SIGINT])?;
            let handle = signals.handle();
            let watch = move || {
                if let Some(signal) = signals.forever().next() {
                    last();
                    end(signal);
                }
            };
            let thread = thread::Builder::new().name("signals".to_owned()).spawn(watch)?;
            Ok(Self { handle, thread: Some(thread) })
        }
    }

    impl Drop for Watch {
        fn drop(&mut self) {
            self.handle.close();
            if let Some(thread) = self.thread.take() {
                // A panic in there was told by the hook.
                let _ = thread.join();
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use std::sync::mpsc::channel;

        use super::*;

        #[test]
        fn the_last_thing_is_done_before_the_end() {
            let (tell, told) = channel();
            let tell_end = tell.clone();
            let last = move || tell.send(0).expect("somebody listens");
            let watch = Watch::with(last, move |signal| tell_end.send(signal).expect("somebody listens"));
            signal_hook::low_level::raise(SIGTERM).expect("raised");
            assert_eq!((told.recv(), told.recv()), (Ok(0), Ok(SIGTERM)));
            drop(watch.expect("watching"));
        }

        #[test]
        fn without_a_signal_nothing_is_done() {
            let watch = Watch::with(|| panic!("no signal came"), |_| panic!("no signal came")).expect("watching");
            drop(watch);
        }
    }
}

/// Elsewhere nothing watches: Pipelines runs on Linux.
#[cfg(not(unix))]
pub(super) struct Watch;

#[cfg(not(unix))]
impl Watch {
    pub(super) fn start(_: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        Ok(Self)
    }
}
