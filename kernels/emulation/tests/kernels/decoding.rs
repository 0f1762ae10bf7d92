//! Attention to a cache on the emulated GPU, against the CPU's.

use crate::support::{STORED, assert_close, back, in_every_order, numbers, stored, wide};
use collimate_kernels::{
    attention::{Cache, Heads, Reach, step},
    cuda::{
        Element,
        decoding::{Reaches, attend, keep, kept},
    },
};

const ROWS: usize = 90;

/// Prompts that several share, one without a prompt, and more keys than a block has warps.
fn reaches() -> Vec<Reach> {
    vec![
        Reach { prefix: 3..20, own: 40..43 },
        Reach { prefix: 3..20, own: 60..61 },
        Reach { prefix: 0..0, own: 30..31 },
        Reach { prefix: 20..30, own: 65..90 },
    ]
}

#[test]
fn queries_see_the_cache_as_on_the_cpu() {
    let all_heads = [
        Heads { query: 1, key: 1, width: 2 },
        Heads { query: 6, key: 2, width: 5 },
        Heads { query: 4, key: 1, width: 33 },
        Heads { query: 2, key: 2, width: 128 },
    ];
    for ((element, tolerance), heads) in STORED.into_iter().flat_map(|s| all_heads.map(|heads| (s, heads))) {
        let before = stored(element, numbers(ROWS * kept(heads), 1).into_iter().map(|x| 2.0 * x).collect());
        let reaches = reaches();
        let qkv = stored(element, numbers(reaches.len() * heads.row(), 2).into_iter().map(|x| 2.0 * x).collect());
        let places: Vec<u32> = reaches.iter().map(|reach| reach.own.end as u32 - 1).collect();
        let results = in_every_order(|stream| {
            let (mut cache, qkv) = (stream.upload(element, &before), stream.upload(element, &qkv));
            let places = stream.upload_indices(&places);
            keep(stream, cache.view_mut(), qkv.view(), places.view(), heads);
            let mut out = stream.numbers(element, reaches.len() * heads.out());
            let seen = Reaches::new(stream, &reaches);
            attend(stream, out.view_mut(), qkv.view(), cache.view(), &seen, heads);
            vec![back(stream, &cache), back(stream, &out)]
        });
        let mut cache = before.clone();
        for (row, place) in qkv.chunks(heads.row()).zip(&places) {
            cache[*place as usize * kept(heads)..][..kept(heads)].copy_from_slice(&row[heads.out()..]);
        }
        assert_eq!(results[0], cache, "{heads:?}");
        // The CPU takes rows of queries, keys and values; of these it reads no queries.
        let rows: Vec<f32> =
            cache.chunks(kept(heads)).flat_map(|row| [vec![0.0; heads.out()], row.to_vec()].concat()).collect();
        let mut of_cpu = Cache::new(heads);
        of_cpu.grow(ROWS);
        of_cpu.keep(&rows, &(0..ROWS as u32).collect::<Vec<_>>());
        let mut right = vec![f32::NAN; reaches.len() * heads.out()];
        step(&mut right, &qkv, &of_cpu, &reaches);
        assert_close("out", &results[1], &wide(&right), tolerance);
    }
}

#[test]
#[should_panic(expected = "rows outside the cache")]
fn a_row_outside_of_the_cache_is_refused() {
    let heads = Heads { query: 1, key: 1, width: 2 };
    in_every_order(|stream| {
        let [cache, qkv] = [4 * kept(heads), heads.row()].map(|length| stream.zeros(Element::F32, length));
        let mut out = stream.zeros(Element::F32, heads.out());
        let seen = Reaches::new(stream, &[Reach { prefix: 0..0, own: 3..5 }]);
        attend(stream, out.view_mut(), qkv.view(), cache.view(), &seen, heads);
        Vec::new()
    });
}
