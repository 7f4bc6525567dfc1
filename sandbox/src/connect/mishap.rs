//! Deliveries that go wrong on command: lost, doubled, in another order.

use serde::Deserialize;

use crate::random;

/// What happens to deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mishap {
    /// It is lost.
    Lose,
    /// It is sent this many times in all.
    Repeat(usize),
    /// It waits until there are this many, and then all go in another order. [`crate::Bitbucket::settle`] waits no longer.
    Shuffle(usize),
}

/// What is still to go wrong, and what waits for it.
#[derive(Debug)]
pub(super) struct Mishaps<T> {
    planned: Vec<(Mishap, usize)>,
    held: Vec<T>,
    wanted: usize,
}

impl<T> Default for Mishaps<T> {
    fn default() -> Self {
        Self { planned: Vec::new(), held: Vec::new(), wanted: 0 }
    }
}

/// What becomes of something that is to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate<T> {
    /// All of these are sent now: one, or all that were held, or nothing yet.
    Send(Vec<T>),
    /// It is sent so many times.
    Repeat(T, usize),
    /// It is not sent.
    Lose(T),
}

impl<T> Mishaps<T> {
    pub(super) fn plan(&mut self, mishap: Mishap, times: usize) {
        if times > 0 {
            self.planned.push((mishap, times));
        }
    }

    /// All goes well again; what waited is handed back.
    pub(super) fn clear(&mut self) -> Vec<T> {
        self.planned.clear();
        self.release()
    }

    /// What waits, in another order.
    pub(super) fn release(&mut self) -> Vec<T> {
        self.wanted = 0;
        let mut held = std::mem::take(&mut self.held);
        if held.len() > 1 {
            // Never the order in which they came: turned by at least one place, then mixed behind the first.
            let turn = 1 + random::below(held.len() - 1);
            held.rotate_left(turn);
            for place in (2..held.len()).rev() {
                held.swap(place, 1 + random::below(place));
            }
        }
        held
    }

    /// What becomes of this one.
    pub(super) fn next(&mut self, item: T) -> Fate<T> {
        if self.wanted > 0 {
            return self.hold(item);
        }
        let Some(first) = self.planned.first_mut() else { return Fate::Send(vec![item]) };
        let mishap = first.0;
        first.1 -= 1;
        if first.1 == 0 {
            self.planned.remove(0);
        }
        match mishap {
            Mishap::Lose => Fate::Lose(item),
            Mishap::Repeat(times) => Fate::Repeat(item, times),
            Mishap::Shuffle(number) => {
                self.wanted = number;
                self.hold(item)
            }
        }
    }

    fn hold(&mut self, item: T) -> Fate<T> {
        self.held.push(item);
        if self.held.len() < self.wanted { Fate::Send(Vec::new()) } else { Fate::Send(self.release()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_is_never_the_order_in_which_they_came() {
        for number in 2..6 {
            for _ in 0..50 {
                let mut mishaps = Mishaps::default();
                mishaps.plan(Mishap::Shuffle(number), 1);
                for item in 1..number {
                    assert_eq!(mishaps.next(item), Fate::Send(Vec::new()));
                }
                let Fate::Send(mut sent) = mishaps.next(number) else { panic!("not sent") };
                assert_ne!(sent, (1..=number).collect::<Vec<_>>());
                sent.sort();
                assert_eq!(sent, (1..=number).collect::<Vec<_>>());
                assert_eq!(mishaps.next(9), Fate::Send(vec![9]));
            }
        }
    }

    #[test]
    fn what_is_planned_comes_in_order() {
        let mut mishaps = Mishaps::default();
        mishaps.plan(Mishap::Lose, 2);
        mishaps.plan(Mishap::Repeat(3), 1);
        let fates: Vec<_> = (0..4).map(|item| mishaps.next(item)).collect();
        assert_eq!(fates, [Fate::Lose(0), Fate::Lose(1), Fate::Repeat(2, 3), Fate::Send(vec![3])]);
    }
}
