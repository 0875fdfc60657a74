//! What apimachinery read: see `golden/quantities.go`.

use crate::job::quantity::{Cpu, Memory};

/// A number of the table: `None` when it is less than zero, as much as fits when it is more.
fn amount(text: &str) -> Option<u64> {
    if text == "max" { Some(u64::MAX) } else { text.parse().ok() }
}

#[test]
fn a_text_is_what_kubernetes_own_library_reads() {
    let (head, table) = include_str!("golden/quantities.txt").split_once('\n').unwrap();
    let (mut taken, mut strictly) = (0, 0);
    for line in table.lines() {
        let columns: Vec<_> = line.split('|').collect();
        let text = columns[0];
        let strict = (Memory::parse(text).ok(), Cpu::parse(text).ok());
        let (memory, cpu) = (Memory::parse_stored(text), Cpu::parse_stored(text));
        let stored = (memory.map(Memory::bytes), cpu.map(Cpu::millicores));
        let &[_, bytes, millicores] = columns.as_slice() else {
            assert_eq!((strict, stored), ((None, None), (None, None)), "{line:?}");
            continue;
        };
        taken += 1;
        strictly += usize::from(strict.0.is_some());
        let expected = (amount(bytes), amount(millicores));
        // Kubernetes takes no digits for 0, `-0` too, but gives `0` back.
        if text.trim_start_matches(['+', '.']).starts_with(|c: char| c.is_ascii_digit()) {
            assert_eq!(stored, expected, "{line:?}");
        }
        if let Some(memory) = strict.0 {
            assert_eq!(Some(memory.bytes()), expected.0, "{line:?}");
            assert_eq!(Memory::parse_stored(&memory.to_string()), Some(memory), "{line:?}");
        }
        if let Some(cpu) = strict.1 {
            assert_eq!(Some(cpu.millicores()), expected.1, "{line:?}");
            assert_eq!(Cpu::parse_stored(&cpu.to_string()), Some(cpu), "{line:?}");
        }
    }
    println!("{head}: {} texts, {taken} taken, {strictly} strictly", table.lines().count());
    assert!(taken > 1_000 && strictly > 300);
}
