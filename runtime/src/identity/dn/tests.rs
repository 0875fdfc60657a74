use super::*;

mod fuzz;

fn subject(common_name: &str, organizations: &[&str]) -> Subject {
    let organizations = organizations.iter().map(|&name| name.to_owned()).collect();
    Subject { common_name: common_name.to_owned(), organizations }
}

#[test]
fn a_subject_is_read_in_every_usual_spelling() {
    for (text, common_name, organizations) in [
        ("CN=my-tool,O=toolforge", "my-tool", &["toolforge"][..]),
        ("O=toolforge,CN=my-tool", "my-tool", &["toolforge"]),
        ("O = toolforge, CN = my-tool", "my-tool", &["toolforge"]),
        ("  CN=my-tool ,  O=toolforge  ", "my-tool", &["toolforge"]),
        ("cn=my-tool,o=toolforge", "my-tool", &["toolforge"]),
        ("CN=a", "a", &[]),
        ("CN=a,O=one,O=two", "a", &["one", "two"]),
        ("CN=a,O=admins", "a", &["admins"]),
        ("emailAddress=a@b.c,UID=7,CN=a,OU=x,O=y,L=z,ST=s,C=DE,DC=org", "a", &["y"]),
        ("serialNumber=1,CN=a,OU=x+L=y,O=z", "a", &["z"]),
        ("CN=my tool,O=two  words", "my tool", &["two  words"]),
        ("CN=a=b#c/d", "a=b#c/d", &[]),
        ("CN=../../etc", "../../etc", &[]),
        ("CN=ünï", "ünï", &[]),
    ] {
        assert_eq!(parse(text), Ok(subject(common_name, organizations)), "{text:?}");
    }
}

#[test]
fn escapes_stand_for_the_character_and_never_separate() {
    for (text, common_name) in [
        (r"CN=a\,CN\=b", "a,CN=b"),
        (r"CN=a\2CO\3Dtoolforge", "a,O=toolforge"),
        (r"CN=a\+b", "a+b"),
        (r"CN=\#a", "#a"),
        (r"CN=\ a\ ", " a "),
        (r"CN=a\  ,O=x", "a "),
        (r"CN=\20a\20", " a "),
        (r#"CN=\"a\""#, "\"a\""),
        (r"CN=\<\>\;\\", r"<>;\"),
        (r"CN=\C3\BCn\c3\af", "ünï"),
        (r"CN=a\00", "a\0"),
        (r"CN=a\0Ab", "a\nb"),
    ] {
        assert_eq!(parse(text).unwrap().common_name, common_name, "{text:?}");
    }
}

#[test]
fn what_is_no_subject_or_could_mean_two_things_is_refused() {
    for (text, error) in [
        ("", DnError::NoCommonName),
        ("   ", DnError::NoCommonName),
        ("O=toolforge", DnError::NoCommonName),
        ("CN=a,CN=b", DnError::SeveralCommonNames),
        ("CN=a,O=x,cn=a", DnError::SeveralCommonNames),
        ("my-tool", DnError::NotAnAttribute),
        ("CN=a,", DnError::NotAnAttribute),
        (",CN=a", DnError::NotAnAttribute),
        ("CN=a,,O=x", DnError::NotAnAttribute),
        ("CN=a,OU=b+", DnError::NotAnAttribute),
        ("=a", DnError::NotAnAttribute),
        ("/O=toolforge/CN=a", DnError::UnknownType),
        ("CN=a,2.5.4.3=b", DnError::UnknownType),
        ("OID.2.5.4.3=b", DnError::UnknownType),
        ("CN=a,X=b", DnError::UnknownType),
        ("C N=a", DnError::UnknownType),
        ("CN\\=a", DnError::UnknownType),
        ("\tCN=a", DnError::UnknownType),
        ("CN=", DnError::EmptyValue),
        ("CN=  ,O=x", DnError::EmptyValue),
        ("CN=a,L=", DnError::EmptyValue),
        ("CN=#0C0161", DnError::Hexadecimal),
        ("CN= #0C0161", DnError::Hexadecimal),
        (r#"CN="a""#, DnError::NotEscaped),
        (r#"CN="a,O=toolforge",O=x"#, DnError::NotEscaped),
        ("CN=a;O=toolforge", DnError::NotEscaped),
        ("CN=<a>", DnError::NotEscaped),
        ("CN=a\n", DnError::NotEscaped),
        ("CN=a\0", DnError::NotEscaped),
        ("CN=a\\", DnError::BadEscape),
        (r"CN=a\g", DnError::BadEscape),
        (r"CN=a\2", DnError::BadEscape),
        (r"CN=a\2,O=x", DnError::BadEscape),
        ("CN=a\\ü", DnError::BadEscape),
        ("CN=a\\1ü", DnError::BadEscape),
        (r"CN=a\C3", DnError::NotUtf8),
        (r"CN=\C3,O=\BC", DnError::NotUtf8),
        ("CN=a+O=toolforge", DnError::Joined),
        ("O=toolforge+CN=a,OU=x", DnError::Joined),
        ("OU=x + CN=a,O=toolforge", DnError::Joined),
    ] {
        assert_eq!(parse(text), Err(error), "{text:?}");
    }
}

#[test]
fn a_refusal_never_repeats_the_text() {
    for text in ["CN=s3cret;", "s3cret=a", "s3cret", r"CN=s3cret\x", "O=s3cret"] {
        assert!(!parse(text).unwrap_err().to_string().contains("s3cret"), "{text:?}");
    }
}
