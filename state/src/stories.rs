//! Both stores against the suite, and what only one of them can show: damage on disk, planted
//! faults in memory.
//!
//! Neighbours: `conformance` has the promises that all stores share.

mod damage;
mod encryption;
mod faults;
mod orphans;
mod subjects;

use subjects::{EncryptedSubject, MemorySubject, SledSubject};

use crate::conformance::{compare, run};

#[test]
fn the_memory_store_keeps_every_promise() {
    run(&MemorySubject::default());
}

#[test]
fn the_sled_store_keeps_every_promise() {
    run(&SledSubject::default());
}

#[test]
fn the_encrypted_sled_store_keeps_every_promise() {
    run(&EncryptedSubject::default());
}

#[test]
fn both_stores_answer_random_scripts_alike() {
    for seed in 0..6 {
        compare(
            &MemorySubject::default(),
            &SledSubject::default(),
            seed,
            150,
        );
    }
}

#[test]
fn two_memory_stores_answer_many_random_scripts_alike() {
    for seed in 100..140 {
        compare(
            &MemorySubject::default(),
            &MemorySubject::default(),
            seed,
            200,
        );
    }
}
