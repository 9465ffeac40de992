//! The threads of the work pool.

use rustix::process::setpriority_process;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Their niceness: they get what the runtime leaves.
const LESS_URGENT: i32 = 10;

pub(super) type Task = Box<dyn FnOnce() + Send>;

/// A few threads that do one task after the other. They start with the first task, and end when this is
/// dropped, without waiting for a running task.
#[derive(Debug)]
pub(super) struct Threads {
    count: usize,
    tasks: OnceLock<Sender<Task>>,
}

/// There is no thread.
#[derive(Debug)]
pub(super) struct NoThread;

impl Threads {
    pub(super) fn new(count: usize) -> Self {
        Threads { count, tasks: OnceLock::new() }
    }

    pub(super) fn run(&self, task: Task) -> Result<(), NoThread> {
        self.tasks.get_or_init(|| self.begin()).send(task).map_err(|_| NoThread)
    }

    fn begin(&self) -> Sender<Task> {
        let (tasks, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        for number in 0..self.count {
            let queue = Arc::clone(&queue);
            let begun =
                std::thread::Builder::new().name(format!("match-{number}")).spawn(move || work_off(&queue));
            if let Err(error) = begun {
                tracing::error!("a thread for matching cannot be started: {error}");
            }
        }
        tasks
    }
}

fn work_off(queue: &Mutex<Receiver<Task>>) {
    // Where the priority may not be changed, it stays as it is.
    let _ = setpriority_process(None, LESS_URGENT);
    loop {
        let task = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(task) = task else { return };
        // The waiting request notices that no result comes; later tasks must not be affected.
        let _ = catch_unwind(AssertUnwindSafe(task));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_panics_takes_no_thread_with_it() {
        let threads = Threads::new(1);
        threads.run(Box::new(|| panic!("on purpose"))).unwrap();
        let (sender, receiver) = channel();
        threads
            .run(Box::new(move || sender.send(rustix::process::getpriority_process(None).unwrap()).unwrap()))
            .unwrap();
        assert_eq!(receiver.recv().unwrap(), LESS_URGENT);
    }
}
