//! Walking terms side by side, against the plain intersection of sets.

use super::*;
use crate::conformance::Random;
use crate::memory_store::MemoryKv;

fn term(n: usize) -> Term {
    Term([u8::try_from(n).unwrap(); 8])
}

#[test]
fn what_is_found_is_the_intersection_in_order_page_by_page() {
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let kv = MemoryKv::default();
        let mut under: Vec<BTreeSet<Place>> = vec![BTreeSet::new(); 6];
        let mut batch = Batch::default();
        for n in 0..1_200_u64 {
            let place = Place {
                at: Timestamp(i64::try_from(n / 3).unwrap() - 100),
                run_id: crate::conformance::run_id(n),
            };
            for (index, places) in under.iter_mut().enumerate() {
                if random.below(1 + index * 12) == 0 {
                    places.insert(place);
                    values::put(
                        &mut batch,
                        &keys::entry(term(index), place),
                        &codec::wrap(&[]),
                        0,
                    )
                    .unwrap();
                }
            }
        }
        kv.apply(batch).unwrap();
        let sets: Vec<Vec<usize>> = (0..=random.below(3))
            .map(|_| (0..=random.below(3)).map(|_| random.below(6)).collect())
            .collect();
        let from = i64::try_from(random.below(400)).unwrap() - 150;
        let to = from + i64::try_from(random.below(400)).unwrap();
        let mut expected: Vec<Place> = under[sets[0][0]].iter().copied().collect();
        expected.extend(sets[0].iter().flat_map(|one| under[*one].iter().copied()));
        expected.retain(|place| {
            let in_all = sets
                .iter()
                .all(|set| set.iter().any(|one| under[*one].contains(place)));
            in_all && (from..=to).contains(&place.at.0)
        });
        expected.sort();
        expected.dedup();
        for newest in [Newest::Last, Newest::First] {
            let mut find = Find {
                all_of: sets
                    .iter()
                    .map(|set| set.iter().map(|n| term(*n)).collect())
                    .collect(),
                from: Some(Timestamp(from)),
                to: Some(Timestamp(to)),
                newest,
                after: None,
            };
            assert_eq!(
                super::find(&kv, &find, usize::MAX).unwrap(),
                expected,
                "seed {seed}"
            );
            let mut paged = Vec::new();
            loop {
                let page = super::find(&kv, &find, 7).unwrap();
                find.after = page.last().copied();
                paged.extend(page.iter().copied());
                if page.len() < 7 {
                    break;
                }
            }
            assert_eq!(paged, expected, "seed {seed}");
            expected.reverse();
        }
    }
}

#[test]
fn no_set_of_terms_finds_nothing() {
    let kv = MemoryKv::default();
    assert_eq!(find(&kv, &Find::default(), 9).unwrap(), []);
}
