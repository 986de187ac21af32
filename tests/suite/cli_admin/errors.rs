//! What goes wrong between the command line and a host, and what a person is told to do about it.

use serde_json::json;

use super::stand_in::{Say, StandIn};
use super::{Desk, answers};

/// The command ends with an error that has all of these texts.
async fn fails(desk: &Desk, arguments: &[&str], texts: &[&str]) -> anyhow::Result<()> {
    let ended = desk.run(arguments).await?;
    assert_eq!(ended.code, Some(1), "{arguments:?}: {}", ended.stderr);
    assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
    for text in texts {
        assert!(ended.stderr.contains(text), "{arguments:?}: `{text}` is not in: {}", ended.stderr);
    }
    assert_eq!(ended.stdout, "", "{arguments:?}");
    Ok(())
}

#[tokio::test]
async fn where_no_host_listens_it_is_said_how_to_switch_the_admin_api_on() -> anyhow::Result<()> {
    let stand_in = StandIn::start().await?;
    let desk = Desk::at(&stand_in, "refused")?;
    let free = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let url = format!("http://{free}/");
    for command in [&["plugins"][..], &["logs", "-f"], &["top"], &["tenants"]] {
        let arguments = [command, &["--admin", &url]].concat();
        fails(&desk, &arguments, &["no host listens at http://127.0.0.1:", "hint: `[admin] address = "]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn without_a_good_token_it_is_said_how_to_get_one() -> anyhow::Result<()> {
    let stand_in = StandIn::start().await?;
    let desk = Desk::at(&stand_in, "unauthorized")?;
    let failure = json!({ "error": { "code": "no-token", "message": "a token is needed", "hint": "of the host" } });
    for operation in ["listPlugins", "logs"] {
        stand_in.tell(operation, Say::Json(401, failure.clone()));
    }
    for command in ["plugins", "logs"] {
        let texts =
            ["error: a token is needed", "hint: give one with --token or HOLDLINE_TOKEN", "holdline/admin-token"];
        fails(&desk, &[command], &texts).await?;
    }
    stand_in.seen();
    Ok(())
}

#[tokio::test]
async fn the_hosts_own_words_are_shown_with_its_hint() -> anyhow::Result<()> {
    let stand_in = StandIn::start().await?;
    let desk = Desk::at(&stand_in, "words")?;
    let say = |status, message: &str| {
        let error = json!({ "code": "some-code", "message": message, "hint": "do this instead" });
        Say::Json(status, json!({ "error": error }))
    };
    let cases: [(u16, &str, &[&str]); 7] = [
        (403, "changeTenant", &["tenants", "change", "shop", "--no-hosts"]),
        (404, "showConnection", &["connections", answers::CONNECTION]),
        (409, "rollback", &["rollback", "echo"]),
        (410, "send", &["held", "77", "--send", "x"]),
        (413, "push", &["held", "77", "--push", "x"]),
        (429, "send", &["held", "77", "--send", "x", "--confirm"]),
        (503, "sendToConnection", &["connections", answers::CONNECTION, "--send", "x"]),
    ];
    for (status, operation, arguments) in cases {
        let message = format!("{operation} cannot be");
        stand_in.tell(operation, say(status, &message));
        fails(&desk, arguments, &[&format!("error: {message}\n"), "hint: do this instead\n"]).await?;
    }
    stand_in
        .tell("showCanary", Say::Json(404, json!({ "error": { "code": "no-canary", "message": "echo has none" } })));
    fails(&desk, &["canary", "echo", "--json"], &["error: echo has none\n"]).await?;
    stand_in.seen();
    Ok(())
}

#[tokio::test]
async fn a_canary_that_was_taken_back_is_an_error_that_says_why() -> anyhow::Result<()> {
    let stand_in = StandIn::start().await?;
    let desk = Desk::at(&stand_in, "taken-back")?;
    let canary = answers::canary("taken-back", Some("3% of its events failed"));
    for _ in 0..2 {
        stand_in.tell("showCanary", Say::Json(200, canary.clone()));
    }
    let ended = desk.run(&["canary", "echo"]).await?;
    let json = desk.run(&["canary", "echo", "--json"]).await?;
    assert_eq!((ended.code, json.code), (Some(1), Some(1)));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json.stdout)?, canary);
    assert_eq!(json.stderr, ended.stderr);
    assert!(ended.stdout.contains("taken-back"), "{}", ended.stdout);
    assert!(ended.stderr.contains("error: the canary was taken back: 3% of its events failed"), "{}", ended.stderr);
    Ok(())
}

#[tokio::test]
async fn who_is_no_admin_api_is_found_out() -> anyhow::Result<()> {
    let stand_in = StandIn::start().await?;
    let desk = Desk::at(&stand_in, "stranger")?;
    let texts = ["is not an admin API", "hint: it is the address under [admin]"];
    for (status, text) in [(200, "<html>hello</html>"), (404, "not found"), (502, ""), (302, "")] {
        stand_in.tell("showUsage", Say::Raw(status, "text/html", text.to_owned()));
        fails(&desk, &["usage"], &texts).await?;
    }
    stand_in.tell("logs", Say::Raw(404, "text/html", "not found".to_owned()));
    fails(&desk, &["logs"], &texts).await?;
    stand_in.tell("showUsage", Say::Raw(200, "application/json", "{\"items\": [{}]}".to_owned()));
    fails(&desk, &["usage"], &["cannot be understood", "hint: is the host of another version?"]).await?;
    for url in ["ftp://127.0.0.1:1", "127.0.0.1:9090", "http://"] {
        fails(&desk, &["usage", "--admin", url], &["is not an address of an admin API", "http://127.0.0.1:9090"])
            .await?;
    }
    let tls = stand_in.url().replace("http:", "https:");
    fails(&desk, &["usage", "--admin", &tls], &["cannot be reached", "because: "]).await?;
    Ok(())
}

#[tokio::test]
async fn nothing_is_deleted_while_nobody_can_say_yes() -> anyhow::Result<()> {
    let stand_in = StandIn::start().await?;
    let desk = Desk::at(&stand_in, "delete")?;
    fails(&desk, &["plugins", "echo", "--delete"], &["delete echo of default", "hint: --yes"]).await?;
    fails(&desk, &["tenants", "delete", "shop"], &["delete shop", "hint: --yes"]).await?;
    assert!(stand_in.seen().is_empty(), "the host was asked");
    Ok(())
}

#[tokio::test]
async fn arguments_that_mean_nothing_are_refused_before_anything_is_asked() -> anyhow::Result<()> {
    let stand_in = StandIn::start().await?;
    let desk = Desk::at(&stand_in, "arguments")?;
    let cases: [&[&str]; 11] = [
        &["canary", "echo", "--share", "101%"],
        &["canary", "echo", "--promote", "--take-back"],
        &["held", "77"],
        &["held", "--send", "x"],
        &["held", "77", "--send", "x", "--release"],
        &["connections", "--send", "x"],
        &["tenants", "limits", "connections"],
        &["tenants", "config", "colour"],
        &["token", "create", "ci"],
        &["deploy", "x.wasm", "--header", "nothing"],
        &["top", "--interval", "1ms"],
    ];
    for arguments in cases {
        let ended = desk.run(arguments).await?;
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
    }
    assert!(stand_in.seen().is_empty(), "the host was asked");
    Ok(())
}
