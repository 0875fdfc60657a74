use proptest::prelude::*;
use tjf_runtime::fuzz::{fuzz, text_near};

use super::*;

const QUANTITIES: [&str; 22] = [
    "512Mi",
    "1.5Gi",
    ".5",
    "2000m",
    "5000e-3",
    "1E+3",
    "+1e4294967299",
    "9223372036854775807",
    "000.00012Ki",
    "7000000000n",
    "12000000u",
    "31k",
    "42M",
    "5G",
    "6T",
    "7P",
    "8E",
    "9Ti",
    "1Pi",
    "2Ei",
    "1e38",
    "99999999999999999999999999999999999999999",
];

/// About what a text means, by arithmetic that is quick and not exact.
fn about(text: &str) -> Option<f64> {
    let end = text.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let number: f64 = number.parse().ok()?;
    let power = match suffix {
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "" => 1.0,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 2_f64.powi(10),
        "Mi" => 2_f64.powi(20),
        "Gi" => 2_f64.powi(30),
        "Ti" => 2_f64.powi(40),
        "Pi" => 2_f64.powi(50),
        "Ei" => 2_f64.powi(60),
        _ => 10_f64.powi(suffix.strip_prefix(['e', 'E'])?.parse().ok()?),
    };
    Some(number * power)
}

fn is_about(amount: u64, expected: Option<f64>) -> bool {
    let amount = amount.to_string().parse::<f64>().unwrap();
    expected.is_some_and(|expected| (amount - expected).abs() <= expected * 1e-9)
}

#[test]
fn fuzzed_memory_is_what_is_written() {
    fuzz("memory", text_near(&QUANTITIES), |text| {
        let stored = Memory::parse_stored(&text);
        let Ok(memory) = Memory::parse(&text) else { return Ok(false) };
        prop_assert!((1..=AMOUNT_MAX).contains(&memory.bytes()));
        prop_assert!(is_about(memory.bytes(), about(&text)), "{memory}");
        prop_assert_eq!(stored, Some(memory));
        prop_assert_eq!(Memory::parse(&memory.to_string()), Ok(memory));
        prop_assert!((1..=memory.bytes()).contains(&memory.request().bytes()));
        Ok(true)
    });
}

#[test]
fn fuzzed_computing_time_is_what_is_written() {
    fuzz("computing time", text_near(&QUANTITIES), |text| {
        let stored = Cpu::parse_stored(&text);
        let Ok(cpu) = Cpu::parse(&text) else { return Ok(false) };
        prop_assert!((1..=AMOUNT_MAX).contains(&cpu.millicores()));
        prop_assert!(is_about(cpu.millicores(), about(&text).map(|it| it * 1e3)), "{cpu}");
        prop_assert_eq!(stored, Some(cpu));
        prop_assert_eq!(Cpu::parse(&cpu.to_string()), Ok(cpu));
        prop_assert!((1..=cpu.millicores()).contains(&cpu.request().millicores()));
        Ok(true)
    });
}

#[test]
fn fuzzed_amounts_are_written_as_they_are_read() {
    fuzz("amounts", 0..=2 * AMOUNT_MAX, |amount| {
        for amount in [amount, amount & !0xfff, amount / 1_000_000 * 1_000_000] {
            let is_taken = (1..=AMOUNT_MAX).contains(&amount);
            let memory = Memory::parse(&Memory(amount).to_string()).ok();
            prop_assert_eq!(memory, is_taken.then_some(Memory(amount)));
            let cpu = Cpu::parse(&Cpu(amount).to_string()).ok();
            prop_assert_eq!(cpu, is_taken.then_some(Cpu(amount)));
        }
        Ok((1..=AMOUNT_MAX).contains(&amount))
    });
}
