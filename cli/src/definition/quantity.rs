//! Sizes by their value, so that `1Gi` and `1024Mi` are one.

/// What each suffix of a Kubernetes quantity multiplies by: a power of ten, and one of two.
const SUFFIXES: [(&str, i32, u32); 16] = [
    ("n", -9, 0),
    ("u", -6, 0),
    ("m", -3, 0),
    ("", 0, 0),
    ("k", 3, 0),
    ("M", 6, 0),
    ("G", 9, 0),
    ("T", 12, 0),
    ("P", 15, 0),
    ("E", 18, 0),
    ("Ki", 0, 10),
    ("Mi", 0, 20),
    ("Gi", 0, 30),
    ("Ti", 0, 40),
    ("Pi", 0, 50),
    ("Ei", 0, 60),
];

/// The same for all ways to write one size: its billionths as a number. What is too large for that,
/// or is no size, stands for itself.
pub(super) fn normal(text: &str) -> String {
    billionths(text).map_or_else(|| text.to_owned(), |number| number.to_string())
}

fn billionths(text: &str) -> Option<u128> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (tens, twos) = match SUFFIXES.iter().find(|(known, ..)| *known == suffix) {
        Some((_, tens, twos)) => (*tens, *twos),
        None => (suffix.strip_prefix(['e', 'E'])?.parse().ok()?, 0),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits: u128 = format!("{whole}{part}").parse().ok()?;
    let mut tens = tens.checked_add(9)?.checked_sub(i32::try_from(part.len()).ok()?)?;
    let mut value = digits.checked_mul(1_u128.checked_shl(twos)?)?;
    while tens > 0 {
        (value, tens) = (value.checked_mul(10)?, tens - 1);
    }
    while tens < 0 {
        if value % 10 != 0 {
            return None;
        }
        (value, tens) = (value / 10, tens + 1);
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_to_write_one_size_are_one() {
        for same in [
            &["1Gi", "1024Mi", "1.0Gi", "1073741824", "1048576Ki"][..],
            &["0.5", "500m", ".5", "0.50", "500000u", "5e-1", "5E-1"],
            &["1k", "1000", "1e3", "1E3", "1000000m", "01k"],
            &["1.5Gi", "1536Mi"],
        ] {
            for text in same {
                assert_eq!(normal(text), normal(same[0]), "{text}");
            }
        }
        for (one, other) in [("1Gi", "1G"), ("1", "1m"), ("512Mi", "513Mi"), ("1E", "1e")] {
            assert_ne!(normal(one), normal(other));
        }
        for itself in ["", "Mi", "x", "1x", "1.2.3", "99999999999999999999Ei", "1e99", "0.1n", "-1"]
        {
            assert_eq!(normal(itself), itself);
        }
    }
}
