//! A plain mutation loop for machines without libFuzzer: `mutate TARGET SECONDS [SEED_FOLDER]`; `mutate` prints the targets.

use std::path::Path;
use std::time::{Duration, Instant};

const TARGETS: [(&str, fn(&[u8])); 8] = [
    ("directory", overread_fuzz::directory),
    ("instance", overread_fuzz::instance),
    ("medium", overread_fuzz::medium),
    ("model", overread_fuzz::model),
    ("multipart", overread_fuzz::multipart),
    ("peer", overread_fuzz::peer),
    ("picture", overread_fuzz::picture),
    ("report", overread_fuzz::report),
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let Some(name) = arguments.get(1).map(String::as_str) else {
        for (name, _) in TARGETS {
            println!("{name}");
        }
        return;
    };
    let Some((_, target)) = TARGETS.iter().find(|(of, _)| *of == name) else {
        eprintln!("usage: mutate TARGET SECONDS [SEED_FOLDER]; without a target it prints their names");
        std::process::exit(2);
    };
    let seconds = arguments.get(2).and_then(|text| text.parse().ok()).unwrap_or(60);
    let mut seeds = vec![vec![0; 200], b"\x05--b\r\nA: b\r\n\r\nx\r\n--b--".to_vec()];
    if let Some(folder) = arguments.get(3) {
        gather(Path::new(folder), &mut seeds);
    }
    match name {
        "model" => {
            seeds = seeds.iter().flat_map(|file| overread_fuzz::models_of(file)).collect();
            seeds.push(br#"{"00080018":{"vr":"UI","Value":["1.2.3"]},"00100010":{"vr":"PN","Value":[{"Alphabetic":"A^B"}]}}"#.to_vec());
        }
        "peer" => seeds.extend(overread_fuzz::peer_seeds()),
        "picture" => seeds.extend(overread_fuzz::picture_seeds()),
        _ => {}
    }
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut runs = 0_u64;
    while Instant::now() < until {
        let mut input = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(8) {
            mutate(&mut input, &mut random);
        }
        target(&input);
        runs += 1;
    }
    println!("{runs} runs of {} seeds in {seconds} s, nothing broke", seeds.len());
}

fn gather(folder: &Path, seeds: &mut Vec<Vec<u8>>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            gather(&path, seeds);
        } else if let Ok(bytes) = std::fs::read(&path)
            && bytes.len() < 100_000
        {
            seeds.push(bytes);
        }
    }
}

/// xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

fn mutate(input: &mut Vec<u8>, random: &mut Random) {
    // Headers are where it hurts: half of all changes go to the first two kilobytes.
    let reach = if random.below(2) == 0 { input.len().min(2048) } else { input.len() };
    let at = random.below(reach.max(1));
    match random.below(7) {
        0 => input.truncate(at),
        1 if at < input.len() => input[at] = random.next() as u8,
        2 if at < input.len() => input[at] ^= 1 << random.below(8),
        3 if at + 4 <= input.len() => {
            let hard = [0xFFFF_FFFF, 0, 0x7FFF_FFFF, 0xFFFF_FFFE, 0xE000_FFFE, 0xE0DD_FFFE];
            input[at..at + 4].copy_from_slice(&u32::to_le_bytes(hard[random.below(hard.len())]));
        }
        4 => {
            let count = random.below(16);
            let bytes: Vec<u8> = (0..count).map(|_| random.next() as u8).collect();
            let at = at.min(input.len());
            input.splice(at..at, bytes);
        }
        5 if at < input.len() => {
            let end = (at + random.below(64)).min(input.len());
            input.drain(at..end);
        }
        _ if at < input.len() => {
            let end = (at + random.below(256)).min(input.len());
            let copy = input[at..end].to_vec();
            let to = random.below(input.len());
            input.splice(to..to, copy);
        }
        _ => {}
    }
}
