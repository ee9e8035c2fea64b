//! Rings: both ends, in every form.

use super::{some_count, some_deadline};
use crate::adversary::{choose, is_there};
use crate::driver::Operation;
use crate::names::CAPACITY;
use crate::seat::{Adaptive, Block, Policy, Spin};
use crate::spsc;
use crate::spsc::consumer::Consumer;
use crate::spsc::producer::Producer;

pub(super) const ALL: &[Operation] = &[
    Operation { name: "ring: push", share: 140, fuel: 20_000, act: push },
    Operation { name: "ring: pop", share: 140, fuel: 20_000, act: pop },
    Operation { name: "ring: look", share: 40, fuel: 1_000, act: look },
];

const MOST: usize = CAPACITY as usize;

fn push() {
    let Ok(producer) = spsc::producer() else { return };
    match choose(3) {
        0 => push_in_all_forms(producer.waiting::<Spin>()),
        1 => push_in_all_forms(producer.waiting::<Block>()),
        _ => push_in_all_forms(producer.waiting::<Adaptive>()),
    }
}

fn push_in_all_forms<P: Policy>(mut producer: Producer<u64, P>) {
    for value in 0..choose(4) {
        match choose(6) {
            0 | 1 => drop(producer.try_push(value)),
            2 => drop(producer.push_until(value, some_deadline())),
            3 => {
                let pushed = producer.push_slice(&[value; MOST + 1][..choose(18) as usize]);
                assert!(pushed.unwrap_or(0) <= MOST, "outside: {pushed:?} items");
            }
            4 => claim(&mut producer),
            _ => drop(producer.close()),
        }
        assert!(producer.room() <= MOST, "outside: {producer:?}");
        let _ = (producer.position(), producer.is_closed(), producer.is_abandoned());
    }
}

fn claim<P: Policy>(producer: &mut Producer<u64, P>) {
    let Ok(mut claim) = producer.claim(some_count() as usize) else { return };
    assert!(claim.len() <= MOST, "outside: a claim of {}", claim.len());
    for index in 0..claim.len() {
        claim.write(index, 7);
    }
    let some = choose(claim.len() as u64 + 1) as usize;
    if is_there() {
        let _ = claim.commit(some);
    }
}

fn pop() {
    let Ok(consumer) = spsc::consumer() else { return };
    match choose(3) {
        0 => pop_in_all_forms(consumer.waiting::<Spin>()),
        1 => pop_in_all_forms(consumer.waiting::<Block>()),
        _ => pop_in_all_forms(consumer.waiting::<Adaptive>()),
    }
}

fn pop_in_all_forms<P: Policy>(mut consumer: Consumer<u64, P>) {
    for _ in 0..choose(4) {
        match choose(6) {
            0 | 1 => drop(consumer.try_pop()),
            2 => drop(consumer.pop_until(some_deadline())),
            3 => drop(consumer.pop_slice(&mut [0; MOST + 1][..choose(18) as usize])),
            4 => read(&mut consumer),
            _ => drop(consumer.close()),
        }
        assert!(consumer.len() <= MOST, "outside: {consumer:?}");
        let _ = (consumer.position(), consumer.is_closed(), consumer.is_abandoned());
    }
}

fn read<P: Policy>(consumer: &mut Consumer<u64, P>) {
    let Ok(chunk) = consumer.read(some_count() as usize) else { return };
    let len = chunk.len();
    assert!(len <= MOST && chunk.iter().count() == len, "outside: a chunk of {len}");
    if is_there() {
        chunk.release(choose(len as u64 + 1) as usize);
    }
}

fn look() {
    let (len, _) = spsc::look().expect("it is there");
    assert!(len <= CAPACITY, "outside: {len} items");
}
