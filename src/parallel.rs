//! Work that is done on all cores, with results in the order of what it was done on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Room for what is nested deep: threads have less of it by default than the first one.
const STACK: usize = 16 * 1024 * 1024;

/// How many parts each thread gets, so that a part that takes long does not leave the others idle.
const PARTS: usize = 8;

/// Cuts `items` into parts of `least` items or more and does `work` on each, on as many threads as there are cores. Every thread
/// has a state of its own. The results are in the order of the items.
pub(crate) fn over<T: Sync, S, R: Send>(
    items: &[T],
    least: usize,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, &[T]) -> R + Sync,
) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(items.len() / least.max(1));
    if threads < 2 {
        return vec![work(&mut state(), items)];
    }
    let parts: Vec<&[T]> = items.chunks(items.len().div_ceil(threads * PARTS).max(least)).collect();
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<R>>> = Mutex::new(parts.iter().map(|_| None).collect());
    on_threads(threads, &|| {
        let mut state = state();
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(part) = parts.get(i) else { return };
            let result = work(&mut state, part);
            results.lock().unwrap_or_else(PoisonError::into_inner)[i] = Some(result);
        }
    });
    results.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().flatten().collect()
}

/// Runs the same on so many threads, of which this is one.
fn on_threads(threads: usize, run: &(dyn Fn() + Sync)) {
    thread::scope(|scope| {
        let spawn = |_| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, run);
        let others: Vec<_> = (1..threads).filter_map(|n| spawn(n).ok()).collect();
        run();
        for thread in others {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}

/// Does `work` on each of `items`, where each is worth a thread. The results are in the order of the items.
pub(crate) fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    over(items, 1, || (), |(), part| part.iter().map(&work).collect::<Vec<_>>()).into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::{each, over};

    #[test]
    #[should_panic(expected = "the seventh")]
    fn a_panic_in_a_thread_is_one_of_the_whole() {
        each(&[1, 2, 3, 4, 5, 6, 7, 8], |item| assert_ne!(*item, 7, "the seventh"));
    }

    #[test]
    fn results_are_in_order_and_complete() {
        let items: Vec<usize> = (0..10_000).collect();
        let parts = over(
            &items,
            3,
            || 0,
            |seen, part| {
                *seen += part.len();
                part.to_vec()
            },
        );
        assert_eq!(parts.concat(), items);
        assert_eq!(each(&items, |item| *item), items);
        assert_eq!(over::<usize, _, _>(&[], 1, || (), |(), part| part.len()), [0]);
    }
}
