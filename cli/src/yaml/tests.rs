use super::*;

fn read(text: &str) -> Node {
    first_document(text.as_bytes()).unwrap_or_else(|error| panic!("{error:?}: {text}"))
}

fn line(text: impl AsRef<[u8]>) -> Option<usize> {
    first_document(text.as_ref()).err().map(|error| error.line)
}

#[test]
fn only_what_looks_like_nothing_else_is_text() {
    for (written, expected) in [
        ("word", "word"),
        ("two words", "two words"),
        ("'5'", "5"),
        ("\"null\"", "null"),
        ("''", ""),
        ("\"\\x41\"", "A"),
        ("|\n  5", "5\n"),
        (">-\n  a\n  b", "a b"),
        ("a\n  b", "a b"),
        ("!!str 5", "5"),
        ("!!str", ""),
        ("! true", "true"),
        ("!odd word", "word"),
        ("!odd '5'", "5"),
        ("2024-01-01", "2024-01-01"),
        ("10.0.0.1", "10.0.0.1"),
        ("1:30", "1:30"),
    ] {
        let node = read(&format!("a: {written}"));
        assert_eq!(node.get("a"), &Node::Text(expected.to_owned()), "{written}");
    }
    for word in "0x 0o8 0b2 1e 1e1.5 . e5 + _1 5_ 1__0 1_0.5 5a inf NaN truer nUll <".split(' ') {
        let node = read(&format!("a: {word}"));
        assert_eq!(node.get("a"), &Node::Text(word.to_owned()), "{word}");
    }
    for nothing in ["", "~", "null", "Null", "NULL", "!!null x", "!odd"] {
        assert_eq!(read(&format!("a: {nothing}")).get("a"), &Node::Nothing, "{nothing}");
    }
    let others = "5 +5 -5 007 08 1_000 0x1F +0x1f 0o17 -0b1 1.5 .5 5. +.5 1e3 1.5E-3 1e400 .inf -.Inf \
                  .NaN true False YES no on Off y N !!int@'x' !!binary@YQ== !odd@5";
    for other in others.split(' ').map(|other| other.replace('@', " ")) {
        assert_eq!(read(&format!("a: {other}")).get("a"), &Node::Other, "{other}");
    }
}

#[test]
fn all_notations_are_the_same_tree() {
    let expected = read("{a: [b, {c: d}], e: [], f: {}, g: ''}");
    assert_eq!(expected.get("a").items()[1].get("c"), &Node::Text("d".to_owned()));
    for text in [
        "a:\n- b\n- c: d\ne: []\nf: {}\ng: \"\"\n",
        "a:\n  - b\n  -\n    c: d # why\ne: [\n]\nf: {\n}\ng: ''\n",
        "# first\n---\n? a\n: [b, c: d]\n? e\n: []\nf: {}\ng: !!str\n...\n",
        "{\"a\":[\"b\",{\"c\":\"d\"}],\"e\":[],\"f\":{},\"g\":\"\"}",
        "a: &a [b, &c {c: d}]\ne: []\nf: {}\ng: ''\na: *a",
        "a: no\na: [b, {c: d}]\n[x, y]: z\n? {x: y}\n: z\n5: z\n~: z\ne: []\nf: {}\ng: ''",
        "{a: [b, {c: d}], e: [], f: {}, g: ''}\n---\n[",
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
    let comments = "# why\n".repeat(1000);
    let commented = format!("{comments}a:\n{comments}-\n{comments}  b\n{comments}- c\n{comments}");
    assert_eq!(read(&commented), read("a: [b, c]"));
    for nothing in ["", "\n", "# nothing", "---", "---\n---\na: b", "null"] {
        assert_eq!(read(nothing), Node::Nothing, "{nothing:?}");
    }
}

#[test]
fn aliases_and_merged_keys_stand_for_what_they_name() {
    for (text, expected) in [
        ("a: &x 1\nb: &x [y]\nc: *x", "{a: 1, b: [y], c: [y]}"),
        ("&k a: &v b\nc: *v\n*k : d", "{a: d, c: b}"),
        ("<<: {a: b, c: d}\na: e", "{a: e, c: d}"),
        ("a: e\n<<: {a: b, c: d}", "{a: e, c: d}"),
        ("<<: [{a: b}, {a: c, d: e}]", "{a: b, d: e}"),
        ("a: &a {b: c}\nd:\n  <<: *a\n  e: f", "{a: {b: c}, d: {b: c, e: f}}"),
        ("a: [<<]", "{a: ['<<']}"),
    ] {
        assert_eq!(read(text), read(expected), "{text}");
    }
    // A word in quotes is a key like any other.
    assert_eq!(read("'<<': a").get("<<"), &Node::Text("a".to_owned()));
}

#[test]
fn what_can_not_be_understood_is_told_by_its_line() {
    for (text, expected) in [
        ("a: b\nc: [d", 2),
        ("a: b\n  c: d", 2),
        ("a:\n- b\nc: 'd\n", 3),
        ("a: b\nc: *d", 2),
        ("a: b\nc: &c [d, *c]", 2),
        ("a: b\nc: {d: e\n f: }}", 3),
        ("%ODD\n---\na: b\n<<: c\nd: e\n", 4),
        ("a: \"\\q\"", 1),
    ] {
        assert_eq!(line(text), Some(expected), "{text}");
    }
    assert_eq!(line(b"a: b\nc: \xff"), Some(2));
    assert_eq!(line("<<: [{a: b}, c]"), Some(1));
}

/// Ten times ten times ten…, and deeper than any stack.
#[test]
fn a_short_text_is_no_large_tree() {
    let mut bomb = "a0: &a0 [x]\n".to_owned();
    for i in 1..200 {
        let alias = format!("*a{}", i - 1);
        bomb += &format!("a{i}: &a{i} [{}]\n", [alias.as_str(); 10].join(", "));
    }
    let node = read(&bomb);
    assert_eq!(node.get("a199").items().len(), 10);
    for i in 200..DEPTH_MAX + 1 {
        bomb += &format!("a{i}: &a{i} [*a{}]\n", i - 1);
    }
    assert_eq!(line(bomb), Some(DEPTH_MAX + 1));
    assert!(line("[".repeat(100_000)).is_some());
    assert!(line("a: ".repeat(100_000)).is_some());
    assert!(line("- ".repeat(100_000)).is_some());
}
