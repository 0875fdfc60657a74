use super::*;

mod fuzz;
mod golden;

const MEMORY: &str = "a number and a unit, such as `512Mi`";
const CPU: &str = "a number of cores such as `0.5`, or of thousandths such as `500m`";

/// Each text that a real Kubernetes 1.34 was asked for as a memory limit, and some more.
#[test]
fn memory_is_whole_bytes() {
    for (text, bytes) in [
        ("512Mi", 512 << 20),
        ("1.5Gi", 1536 << 20),
        (".5Gi", 512 << 20),
        ("1.Gi", 1 << 30),
        ("5Gi", 5 << 30),
        ("1Mi", 1 << 20),
        ("1e3", 1_000),
        ("1e9", 1_000_000_000),
        ("1E9", 1_000_000_000),
        ("1E+3", 1_000),
        ("5000e-3", 5),
        ("1k", 1_000),
        ("1M", 1_000_000),
        ("1E", 1_000_000_000_000_000_000),
        ("7Ei", 7 << 60),
        ("1234567890", 1_234_567_890),
        ("2000m", 2),
        ("1.0000000000000000000000000000000000000000000000Ki", 1024),
        ("0000000000000000000000000000000000000000000000001Ki", 1024),
        ("9223372036854775807", 9_223_372_036_854_775_807),
    ] {
        assert_eq!(Memory::parse(text).map(Memory::bytes), Ok(bytes), "{text:?}");
    }
}

#[test]
fn cpu_is_whole_thousandths_of_a_core() {
    for (text, millicores) in [
        ("0.5", 500),
        (".5", 500),
        ("500m", 500),
        ("1", 1_000),
        ("4.", 4_000),
        ("0.001", 1),
        ("1e-3", 1),
        ("2000u", 2),
        ("1k", 1_000_000),
        ("1Ki", 1_024_000),
    ] {
        assert_eq!(Cpu::parse(text).map(Cpu::millicores), Ok(millicores), "{text:?}");
    }
}

#[test]
fn a_refusal_of_memory_says_what_was_probably_meant() {
    for (text, message) in [
        ("512m", "`512m` is not a whole number of bytes: write `512Mi` or `512M`"),
        ("100m", "`100m` is not a whole number of bytes: write `100Mi` or `100M`"),
        ("1m", "`1m` is not a whole number of bytes: write `1Mi` or `1M`"),
        ("1K", "`1K` is not a quantity: write `1Ki` or `1k`"),
        ("1KB", "`1KB` is not a quantity: write `1Ki` or `1k`"),
        ("1kb", "`1kb` is not a quantity: write `1Ki` or `1k`"),
        ("1GB", "`1GB` is not a quantity: write `1Gi` or `1G`"),
        ("1g", "`1g` is not a quantity: write `1Gi` or `1G`"),
        ("2 megabytes", "`2 megabytes` is not a quantity: write MEMORY"),
        ("1.5 GiB", "`1.5 GiB` is not a quantity: write `1.5Gi`"),
        ("1ki", "`1ki` is not a quantity: write `1Ki`"),
        ("1GI", "`1GI` is not a quantity: write `1Gi`"),
        ("7 bytes", "`7 bytes` is not a quantity: write `7`"),
        ("1 Gi", "`1 Gi` is not a quantity: write `1Gi`"),
        (" 1Gi", "` 1Gi` is not a quantity: write `1Gi`"),
        ("1Gi ", "`1Gi ` is not a quantity: write `1Gi`"),
        ("+1Gi", "`+1Gi` is not a quantity: write `1Gi`"),
        ("1,5Gi", "`1,5Gi` is not a quantity: write `1.5Gi`"),
        ("-1", "`-1` is not a quantity: write MEMORY"),
        ("Mi", "`Mi` is not a quantity: write MEMORY"),
        (".Mi", "`.Mi` is not a quantity: write MEMORY"),
        ("", "`` is not a quantity: write MEMORY"),
        ("1.2.3", "`1.2.3` is not a quantity: write MEMORY"),
        ("0x10", "`0x10` is not a quantity: write MEMORY"),
        ("1e", "`1e` is not a quantity: write `1Ei` or `1E`"),
        ("1e3.5", "`1e3.5` is not a quantity: write MEMORY"),
        ("1e99999999999", "`1e99999999999` is more than any machine has: write MEMORY"),
        ("٣Mi", "`٣Mi` is not a quantity: write MEMORY"),
        ("0.5", "`0.5` is not a whole number of bytes: write MEMORY"),
        ("1n", "`1n` is not a whole number of bytes: write MEMORY"),
        ("1e-2000000000", "`1e-2000000000` is not a whole number of bytes: write MEMORY"),
        ("1.0000001Gi", "`1.0000001Gi` is not a whole number of bytes: write MEMORY"),
        ("0", "a limit must be more than zero: write MEMORY"),
        ("0.0Gi", "a limit must be more than zero: write MEMORY"),
        ("0e2000000000", "a limit must be more than zero: write MEMORY"),
        ("12Ei", "`12Ei` is more than any machine has: write MEMORY"),
        ("8Ei", "`8Ei` is more than any machine has: write MEMORY"),
        ("9999999999999999999", "`9999999999999999999` is more than any machine has: write MEMORY"),
        ("1e2000000000", "`1e2000000000` is more than any machine has: write MEMORY"),
    ] {
        let refusal = Memory::parse(text).unwrap_err().to_string();
        assert_eq!(refusal, message.replace("MEMORY", MEMORY), "{text:?}");
    }
}

#[test]
fn a_refusal_of_cpu_says_what_was_probably_meant() {
    for (text, message) in [
        ("0.0005", "`0.0005` is not a whole number of thousandths of a core: write CPU"),
        ("1u", "`1u` is not a whole number of thousandths of a core: write CPU"),
        ("2 cores", "`2 cores` is not a quantity: write `2`"),
        ("500mc", "`500mc` is not a quantity: write `500m`"),
        ("0,5", "`0,5` is not a quantity: write `0.5`"),
        ("half", "`half` is not a quantity: write CPU"),
        ("-1", "`-1` is not a quantity: write CPU"),
        ("m", "`m` is not a quantity: write CPU"),
        ("0m", "a limit must be more than zero: write CPU"),
        ("8Ei", "`8Ei` is more than any machine has: write CPU"),
    ] {
        let refusal = Cpu::parse(text).unwrap_err().to_string();
        assert_eq!(refusal, message.replace("CPU", CPU), "{text:?}");
    }
}

#[test]
fn a_refusal_is_short_however_long_the_text() {
    let digits = "9".repeat(8_000);
    assert!(matches!(Memory::parse(&digits), Err(QuantityError::TooLarge { .. })));
    let fraction = format!("0.{}", "3".repeat(8_000));
    assert!(matches!(Memory::parse(&fraction), Err(QuantityError::Fraction { .. })));
    assert!(matches!(Cpu::parse(&fraction), Err(QuantityError::Fraction { .. })));
    for text in [format!("{digits}GB"), format!("{digits} Mi"), digits, fraction, "x".repeat(8_000)]
    {
        assert!(Memory::parse(&text).unwrap_err().to_string().len() < 200);
    }
}

/// Exponents and digits far beyond any number that fits. What is stored may be wrapped: see
/// `Number::parse_stored`.
#[test]
fn no_text_is_too_large_to_be_read() {
    let zeros = "0".repeat(4_096);
    for (text, bytes) in [
        ("1e2147483647", Some(u64::MAX)),
        ("1e9223372036854775807", Some(1)),
        ("1e-9223372036854775808", Some(1)),
        ("1E-400", Some(1)),
        ("1.5e-2147483648", Some(1)),
        (&format!("1{zeros}e-4096"), Some(1)),
        (&format!("0.{zeros}25e4098"), Some(25)),
        (&format!("0.{zeros}1Ei"), Some(1)),
        (&format!("{zeros}7.{zeros}Ki"), Some(7 << 10)),
        (&"9".repeat(4_096), Some(u64::MAX)),
        (&format!("{}Ei", "9".repeat(4_096)), Some(i64::MAX.unsigned_abs())),
        ("1e9223372036854775808", None),
        (".", None),
        ("-", None),
        ("+", None),
    ] {
        assert_eq!(Memory::parse_stored(text).map(Memory::bytes), bytes, "{text:.20}");
    }
    assert_eq!(Memory::parse(&format!("1{zeros}e-4096")).map(Memory::bytes), Ok(1));
    assert_eq!(Cpu::parse(&format!("0.{zeros}25e4098")).map(Cpu::millicores), Ok(25_000));
    assert!(matches!(Memory::parse("1e4294967299"), Err(QuantityError::TooLarge { .. })));
}

#[test]
fn amounts_are_compared_by_value() {
    assert_eq!(Memory::parse("1Gi"), Memory::parse("1024Mi"));
    assert!(Memory::parse("1G").unwrap() < Memory::parse("1Gi").unwrap());
    assert_eq!(Cpu::parse("0.5"), Cpu::parse("500m"));
    assert!(Cpu::parse("999m").unwrap() < Cpu::parse("1").unwrap());
}

#[test]
fn what_kubernetes_gives_back_is_read_leniently() {
    for (text, bytes) in [
        ("16Gi", Some(16 << 30)),
        ("1900Mi", Some(1900 << 20)),
        ("1073741931375m", Some(1_073_741_932)),
        ("500m", Some(1)),
        ("9223372036854775807", Some(i64::MAX.unsigned_abs())),
        ("9999999999999999999", Some(9_999_999_999_999_999_999)),
        ("100E", Some(u64::MAX)),
        ("+1Gi", Some(1 << 30)),
        ("1.Gi", Some(1 << 30)),
        ("1k", Some(1_000)),
        ("1E9", Some(1_000_000_000)),
        ("0", Some(0)),
        ("-1", None),
        ("", None),
        ("many", None),
    ] {
        assert_eq!(Memory::parse_stored(text).map(Memory::bytes), bytes, "{text:?}");
    }
    for (text, millicores) in [("4", Some(4_000)), ("3600m", Some(3_600)), ("100n", Some(1))] {
        assert_eq!(Cpu::parse_stored(text).map(Cpu::millicores), millicores, "{text:?}");
    }
}

#[test]
fn the_request_is_the_limit_up_to_a_bound_and_half_of_it_above() {
    for (limit, request) in [
        ("64Mi", "64Mi"),
        ("512Mi", "512Mi"),
        ("513Mi", "262656Ki"),
        ("1Gi", "512Mi"),
        ("1.5Gi", "768Mi"),
        ("5G", "2500M"),
        ("536870913", "268435457"),
    ] {
        assert_eq!(Memory::parse(limit).unwrap().request().to_string(), request, "{limit}");
    }
    for (limit, request) in
        [("1m", "1m"), ("0.5", "500m"), ("501m", "251m"), ("2", "1"), ("3", "1500m")]
    {
        assert_eq!(Cpu::parse(limit).unwrap().request().to_string(), request, "{limit}");
    }
}

#[test]
fn an_amount_is_written_in_the_largest_unit() {
    for (text, canonical) in [
        ("1024Mi", "1Gi"),
        ("1536Mi", "1536Mi"),
        ("1e9", "1G"),
        ("1e3", "1k"),
        ("1025", "1025"),
        ("7Ei", "7Ei"),
    ] {
        assert_eq!(Memory::parse(text).unwrap().to_string(), canonical);
    }
    assert_eq!(Memory::parse_stored("0").unwrap().to_string(), "0");
    assert_eq!(Cpu::parse("4000m").unwrap().to_string(), "4");
}
