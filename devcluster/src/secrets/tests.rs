use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::{Authority, Subject};

const COMMAND: &str = "tar czf \"backup of everything.tgz\" --exclude 'what is large' .\n";

/// A process has one of it, so all is in one test: what is noted, and where it is found then.
#[tokio::test]
async fn a_secret_is_found_in_whatever_form_it_is_written() {
    begin();
    let key = Authority::generate("x").issue(Subject::tool("a")).key;
    know_request(
        format!(r#"{{"cmd": {COMMAND:?}, "env": {{"A": "hunter2hunter2", "B": 1}}}}"#).as_bytes(),
    );
    know_request(b"name=x&cmd=echo+in+a+form+%21");
    know_words(&["run", "echo typed by hand", "--env", "KEY=as-a-variable"]);
    let found =
        |secrets: &str| account().unwrap().found.iter().filter(|it| it.contains(secrets)).count();
    let mut count = 0;
    let mut is_found = |place: &str, text: &[u8], is_record: bool| {
        count += 1;
        let place = format!("{place} {count}");
        if is_record {
            search_record(&place, text)
        } else {
            search_answer(&place, text)
        }
        found(&format!("{place},")) == 1
    };
    let line = key.lines().nth(1).unwrap();
    let der = STANDARD
        .decode(key.lines().filter(|line| !line.starts_with('-')).collect::<String>())
        .unwrap();
    let hexadecimal: String = der.iter().map(|byte| format!("{byte:02x}")).collect();
    for written in [
        key.clone(),
        format!("{{\"key\": {key:?}}}"),
        line.get(32..).unwrap().to_owned(),
        STANDARD.encode(&key),
        STANDARD.encode(format!("a{key}")),
        STANDARD.encode([b"ab", der.as_slice()].concat()),
        hexadecimal,
        format!("{der:?}"),
    ] {
        assert!(is_found("answer", written.as_bytes(), false), "{written}");
        assert!(is_found("record", format!("it is {written} here").as_bytes(), true), "{written}");
    }
    assert!(
        is_found("answer", &[&[0, 255], der.as_slice()].concat(), false),
        "the bytes themselves"
    );
    for written in [
        COMMAND.to_owned(),
        format!("{COMMAND:?}").get(..30).unwrap().to_owned(),
        COMMAND.get(..30).unwrap().to_owned(),
        COMMAND.trim_end().to_owned(),
        "hunter2hunter2".to_owned(),
        "echo in a form !".to_owned(),
        "x=echo typed by hand".to_owned(),
        "as-a-variable".to_owned(),
    ] {
        assert!(is_found("record", written.as_bytes(), true), "{written}");
        assert!(!is_found("answer", written.as_bytes(), false), "it is the user's own: {written}");
    }
    assert!(!is_found("record", b"tar czf, hunter2, and PUBLIC KEY-----", true));

    // In two parts, as TLS may bring them.
    let (near, mut far) = tokio::io::duplex(line.len() / 2);
    let mut near = Searched::new(near);
    far.write_all(&line.as_bytes()[..20]).await.unwrap();
    near.read_exact(&mut [0; 20]).await.unwrap();
    assert_eq!(found("an answer"), 0);
    far.write_all(&line.as_bytes()[20..40]).await.unwrap();
    near.read_exact(&mut [0; 20]).await.unwrap();
    assert_eq!(found("an answer"), 1);
}
