use http::HeaderValue;
use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair, date_time_ymd};

use super::*;

/// A certificate with these attributes, in this order.
fn certificate(subject: &[(DnType, DnValue)]) -> PeerCertificate {
    valid_in(2020..4000, subject)
}

fn valid_in(years: std::ops::Range<i32>, subject: &[(DnType, DnValue)]) -> PeerCertificate {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for (kind, value) in subject {
        params.distinguished_name.push(kind.clone(), value.clone());
    }
    params.not_before = date_time_ymd(years.start, 1, 1);
    params.not_after = date_time_ymd(years.end, 1, 1);
    let key = KeyPair::generate().unwrap();
    PeerCertificate::from_der(params.self_signed(&key).unwrap().der()).unwrap()
}

fn common_name(text: &str) -> (DnType, DnValue) {
    (DnType::CommonName, text.into())
}

fn organization(text: &str) -> (DnType, DnValue) {
    (DnType::OrganizationName, text.into())
}

fn gate(door: Door) -> Gate {
    let proxy_name = (door == Door::TrustedHeader).then(|| "the ingress".to_owned());
    Gate { door, organization: "toolforge".to_owned(), proxy_name }
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_static(value));
    }
    headers
}

/// What comes of a certificate at the first door.
fn admitted(peer: &PeerCertificate) -> Result<String, Refusal> {
    let caller = gate(Door::PeerCertificate).admit(Some(peer), &HeaderMap::new(), now())?;
    Ok(caller.name.to_string())
}

/// What comes of headers at the second door, from a proxy.
fn forwarded_as(pairs: &[(&'static str, &'static str)]) -> Result<String, Refusal> {
    let proxy = certificate(&[common_name("the ingress")]);
    let caller = gate(Door::TrustedHeader).admit(Some(&proxy), &headers(pairs), now())?;
    Ok(caller.name.to_string())
}

#[test]
fn a_tools_certificate_is_its_name_in_either_order() {
    let subjects = [
        vec![organization("toolforge"), common_name("my-tool")],
        vec![common_name("my-tool"), organization("toolforge")],
        vec![
            (DnType::CommonName, DnValue::PrintableString("my-tool".try_into().unwrap())),
            (DnType::OrganizationName, DnValue::PrintableString("toolforge".try_into().unwrap())),
        ],
    ];
    for subject in subjects {
        assert_eq!(admitted(&certificate(&subject)).as_deref(), Ok("my-tool"), "{subject:?}");
    }
}

#[test]
fn a_name_that_is_no_label_is_nobodys() {
    let long = "a".repeat(54);
    for name in ["", "../etc", "a/b", "A", "a.b", "a_b", "-a", "a-", "a b", "ünï", &long] {
        let peer = certificate(&[common_name(name), organization("toolforge")]);
        assert_eq!(admitted(&peer), Err(Refusal::NoUsableName), "{name:?}");
    }
    let peer = certificate(&[organization("toolforge")]);
    assert_eq!(admitted(&peer), Err(Refusal::NoUsableName), "no name at all");
}

#[test]
fn another_organisation_or_none_is_refused() {
    for subject in [
        vec![common_name("a")],
        vec![common_name("a"), organization("admins")],
        vec![common_name("a"), organization("Toolforge")],
    ] {
        assert_eq!(admitted(&certificate(&subject)), Err(Refusal::ForeignOrganization));
    }
}

/// Built by hand, since rcgen has one of each type only: two common names, a common name that
/// shares its set with an organisation, and two organisations in one set, as Go writes them.
#[test]
fn a_common_name_is_one_and_stands_alone_but_organisations_may_be_several() {
    let of = |sets: &[&[(ObjectIdentifier, &str)]]| {
        let sets: Vec<_> = sets.iter().map(|set| relative_name(set)).collect();
        subject_of(&sets)
    };
    let (cn, o) = (COMMON_NAME_OID, ORGANIZATION_OID);
    assert_eq!(of(&[&[(cn, "a")], &[(cn, "b")], &[(o, "toolforge")]]), None);
    assert_eq!(of(&[&[(cn, "a"), (o, "toolforge")]]), None);
    for sets in [
        &[&[(o, "admins"), (o, "toolforge")][..], &[(cn, "a")]][..],
        &[&[(cn, "a")], &[(o, "toolforge")], &[(o, "admins")]],
    ] {
        let peer = PeerCertificate { subject: of(sets), ..certificate(&[]) };
        assert_eq!(admitted(&peer).as_deref(), Ok("a"), "{sets:?}");
    }
}

#[test]
fn text_in_an_encoding_of_its_own_is_not_guessed_at() {
    let wide = |text: &str| DnValue::BmpString(text.try_into().unwrap());
    let narrow = |text: &str| DnValue::Ia5String(text.try_into().unwrap());
    let old = |text: &str| DnValue::TeletexString(text.try_into().unwrap());
    for (name, outcome) in [
        (narrow("a"), Ok("a".to_owned())),
        (old("a"), Ok("a".to_owned())),
        (wide("a"), Err(Refusal::NoUsableName)),
    ] {
        let subject = [(DnType::CommonName, name), organization("toolforge")];
        assert_eq!(admitted(&certificate(&subject)), outcome, "{subject:?}");
    }
}

#[test]
fn a_name_may_have_fifty_three_characters() {
    let name = "a".repeat(53);
    let peer = certificate(&[common_name(&name), organization("toolforge")]);
    assert_eq!(admitted(&peer), Ok(name));
}

fn relative_name(attributes: &[(ObjectIdentifier, &str)]) -> RelativeDistinguishedName {
    let attributes = attributes.iter().map(|(oid, value)| AttributeTypeAndValue {
        oid: *oid,
        value: Utf8StringRef::new(value).unwrap().into(),
    });
    RelativeDistinguishedName(attributes.collect::<Vec<_>>().try_into().unwrap())
}

#[test]
fn dates_are_looked_at_whenever_somebody_asks() {
    let subject = [common_name("a"), organization("toolforge")];
    for (years, outcome) in [
        (2020..4000, Ok("a".to_owned())),
        (2020..2021, Err(Refusal::NotValidNow)),
        (3000..4000, Err(Refusal::NotValidNow)),
    ] {
        assert_eq!(admitted(&valid_in(years.clone(), &subject)), outcome, "{years:?}");
    }
}

#[test]
fn without_a_certificate_nobody_is_anybody() {
    for door in [Door::PeerCertificate, Door::TrustedHeader] {
        let outcome = gate(door).admit(None, &HeaderMap::new(), now());
        assert_eq!(outcome, Err(Refusal::NoCertificate));
    }
}

#[test]
fn a_proxys_header_at_the_first_door_is_refused_even_when_it_agrees() {
    let peer = certificate(&[common_name("a"), organization("toolforge")]);
    let headers = headers(&[(SUBJECT_HEADER, "CN=a,O=toolforge")]);
    let outcome = gate(Door::PeerCertificate).admit(Some(&peer), &headers, now());
    assert_eq!(outcome, Err(Refusal::HeaderNotTaken));
}

#[test]
fn a_proxy_passes_on_what_it_verified() {
    let verified = (VERIFY_HEADER, "SUCCESS");
    for subject in [
        "CN=my-tool,O=toolforge",
        "O=toolforge, CN=my-tool",
        "O=admins+O=toolforge,CN=my-tool",
        "O=admins,CN=my-tool,O=toolforge",
    ] {
        assert_eq!(forwarded_as(&[verified, (SUBJECT_HEADER, subject)]).as_deref(), Ok("my-tool"));
    }
    for (pairs, refusal) in [
        (vec![verified], Refusal::NoCertificate),
        (vec![(SUBJECT_HEADER, "CN=a,O=toolforge")], Refusal::NoCertificate),
        (
            vec![(VERIFY_HEADER, "success"), (SUBJECT_HEADER, "CN=a,O=toolforge")],
            Refusal::NoCertificate,
        ),
        (
            vec![("ssl-client-verify", "NONE"), (SUBJECT_HEADER, "CN=a,O=toolforge")],
            Refusal::NoCertificate,
        ),
        (
            vec![
                verified,
                (SUBJECT_HEADER, "CN=a,O=toolforge"),
                (SUBJECT_HEADER, "CN=b,O=toolforge"),
            ],
            Refusal::NoCertificate,
        ),
        (vec![verified, verified, (SUBJECT_HEADER, "CN=a,O=toolforge")], Refusal::NoCertificate),
        (vec![verified, (SUBJECT_HEADER, "CN=a,CN=b,O=toolforge")], Refusal::NoUsableName),
        (vec![verified, (SUBJECT_HEADER, "CN=../x,O=toolforge")], Refusal::NoUsableName),
        (vec![verified, (SUBJECT_HEADER, "O=toolforge")], Refusal::NoUsableName),
        (vec![verified, (SUBJECT_HEADER, "CN=a,O=admins")], Refusal::ForeignOrganization),
    ] {
        assert_eq!(forwarded_as(&pairs), Err(refusal), "{pairs:?}");
    }
}

/// The CA may be the cluster's by mistake: then every tool has a certificate of it.
#[test]
fn only_the_proxys_own_name_makes_a_proxy() {
    let headers = headers(&[(VERIFY_HEADER, "SUCCESS"), (SUBJECT_HEADER, "CN=a,O=toolforge")]);
    let (name, tool) = (common_name, organization("toolforge"));
    for (subject, is_proxy) in [
        (vec![name("the ingress")], true),
        (vec![organization("any"), name("the ingress")], true),
        (vec![name("a"), tool.clone()], false),
        (vec![name("The Ingress")], false),
        (vec![name("the ingress ")], false),
        (vec![name("")], false),
        (vec![organization("the ingress")], false),
        (vec![], false),
    ] {
        let peer = certificate(&subject);
        let outcome = gate(Door::TrustedHeader).admit(Some(&peer), &headers, now());
        let outcome = outcome.map(|caller| caller.name.to_string());
        let expected = if is_proxy { Ok("a".to_owned()) } else { Err(Refusal::NotTheProxy) };
        assert_eq!(outcome, expected, "{subject:?}");
        let nameless = Gate { proxy_name: None, ..gate(Door::TrustedHeader) };
        assert_eq!(nameless.admit(Some(&peer), &headers, now()), Err(Refusal::NotTheProxy));
    }
}

/// TLS checks a proxy's dates only when it connects.
#[test]
fn a_proxy_whose_certificate_ran_out_is_none_any_longer() {
    let headers = headers(&[(VERIFY_HEADER, "SUCCESS"), (SUBJECT_HEADER, "CN=a,O=toolforge")]);
    let proxy = valid_in(2020..2021, &[common_name("the ingress")]);
    let outcome = gate(Door::TrustedHeader).admit(Some(&proxy), &headers, now());
    assert_eq!(outcome, Err(Refusal::NotValidNow));
    let outcome = gate(Door::TrustedHeader).admit(None, &headers, now());
    assert_eq!(outcome, Err(Refusal::NoCertificate));
}

#[test]
fn what_is_no_certificate_is_none() {
    assert!(PeerCertificate::from_der(b"not DER").is_none());
}
