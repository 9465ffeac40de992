//! `jeton token`

use super::output;
use super::terminal::ask_secret;
use super::token_args::{
    CreateArgs, ExportArgs, ImportArgs, ListArgs, RevokeArgs, RotateArgs, ShowArgs, UpdateArgs, VerifyArgs,
};
use super::token_export::export;
use super::token_import::import;
use super::token_list::list;
use crate::control::{Executor, ask};
use crate::error::CommandError;
use crate::request::Request;
use crate::text::{MARK, read_input};
use clap::Subcommand;
use serde_json::{Value, json};

/// Issue, list, show, change, revoke, verify, import and export the tokens of an app
#[derive(Subcommand, Debug)]
pub(crate) enum TokenCommand {
    /// Issue a token and print its secret, which this command shows only once
    Create(Box<CreateArgs>),
    /// List tokens, newest first
    ///
    /// On a terminal as a table; in a pipe with tabs between the columns.
    List(ListArgs),
    /// Show a token, and the tokens above and below it as a tree
    Show(ShowArgs),
    /// Change a token
    Update(Box<UpdateArgs>),
    /// Give a token another secret, which this command shows only once; without --grace the old one is refused at once
    ///
    /// Its id, expiry, scopes, use and history stay.
    Rotate(RotateArgs),
    /// Revoke a token, or all that a filter finds: they are refused from now on, and their secrets cannot be
    /// issued again
    Revoke(RevokeArgs),
    /// Verify a token from standard input or a prompt: exit 0 if it is allowed, 1 if it is not
    ///
    /// Surrounding white space, a byte-order mark and a copied `Bearer` prefix are ignored.
    Verify(VerifyArgs),
    /// Import tokens that another system issued, one JSON object per line
    ///
    /// Members: access_token, or sealed of an export; optionally user_id, title, tags, description, permissions or scopes, created_at
    /// and expires_at (RFC 3339; null, or the last day of the year 9999: never), not_before, allowed_addresses, uses_left, rates,
    /// enabled. With permissions or scopes it becomes a grant, else an identity. Invalid lines are reported with
    /// their numbers; the others are imported.
    Import(ImportArgs),
    /// Export all tokens as JSON lines that import takes back, with their secrets sealed
    ///
    /// What an app keeps of its secrets, and the digests of the others, only the key ring opens for which they are sealed: that of
    /// this installation, or of another with --for-keys. A digest is of use to nobody but the key that made it. So of tokens whose
    /// secrets are not kept, another ring can take none. Revoked tokens are left out.
    Export(ExportArgs),
}

impl TokenCommand {
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        match self {
            TokenCommand::Create(args) => create(*args).await,
            TokenCommand::List(args) => list(&args).await,
            TokenCommand::Show(ShowArgs { target, id, json }) => {
                let request = Request::TokenShow { app: target.app, id };
                let mut answer = ask(&target.installation.resolve()?, request).await?;
                let family = if json { Value::Null } else { answer["family"].take() };
                if let Some(members) = answer.as_object_mut().filter(|_| !json) {
                    members.remove("family");
                }
                output::write_one(&answer, json)?;
                output::write(&drawn(&family, id))
            }
            TokenCommand::Update(args) => {
                let (target, request, json) = args.into_request()?;
                output::write_one(&ask(&target.installation.resolve()?, request).await?, json)
            }
            TokenCommand::Rotate(args) => {
                let (target, request, json) = args.into_request();
                output::write_one(&ask(&target.installation.resolve()?, request).await?, json)
            }
            TokenCommand::Revoke(args) => {
                let (target, request, json) = args.into_request();
                output::write_one(&ask(&target.installation.resolve()?, request).await?, json)
            }
            TokenCommand::Verify(args) => verify(args).await,
            TokenCommand::Import(args) => import(args).await,
            TokenCommand::Export(args) => export(&args).await,
        }
    }
}

async fn create(args: CreateArgs) -> Result<(), CommandError> {
    let count = args.count;
    let (target, draft, json) = args.into_draft()?;
    let installation = target.installation.resolve()?;
    let mut executor = Executor::of(&installation);
    let mut issued = Ok(());
    for number in 0..count {
        let request = Request::TokenCreate { app: target.app.clone(), draft: draft.clone() };
        issued = match executor.ask(request).await {
            Ok(issued) if number > 0 && !json => {
                output::write("\n").and_then(|()| output::write_one(&issued, json))
            }
            Ok(issued) => output::write_one(&issued, json),
            Err(error) => Err(error.after(&format!("{number} of {count} tokens were issued"), number > 0)),
        };
        if issued.is_err() {
            break;
        }
    }
    executor.close().await;
    issued
}

async fn verify(args: VerifyArgs) -> Result<(), CommandError> {
    let asked = if args.token_file.is_none() { ask_secret("token").await? } else { None };
    let text = match asked {
        Some(typed) => typed,
        None => read_input(args.token_file.as_deref())?,
    };
    let request = Request::TokenVerify {
        app: args.target.app,
        token: pasted(&text)?.to_owned(),
        permission: args.permission,
        id: args.id,
        tags: args.tag,
        address: args.address,
        explain: args.explain,
    };
    let answer = ask(&args.target.installation.resolve()?, request).await?;
    output::write_one(&answer, args.json)?;
    if answer["allowed"] == json!(true) {
        Ok(())
    } else {
        Err(CommandError::refused(format!("not allowed: {}", answer["reason"].as_str().unwrap_or("refused"))))
    }
}

/// A family of tokens as a tree; nothing of one that has no others.
fn drawn(family: &Value, shown: i64) -> String {
    if family.is_null() { String::new() } else { format!("\n{}", branch(family, shown, "", "")) }
}

/// A token and what is below it: `first` stands before its line, `rest` before the others.
fn branch(member: &Value, shown: i64, first: &str, rest: &str) -> String {
    let title =
        member["title"].as_str().map(|title| format!("  {}", output::printable(title))).unwrap_or_default();
    let mark = if member["id"] == json!(shown) { "  (this one)" } else { "" };
    let state = member["state"].as_str().unwrap_or_default();
    let mut text = format!("{first}{}{title}  {state}{mark}\n", member["id"]);
    let children = member["children"].as_array().map(Vec::as_slice).unwrap_or_default();
    let has_more = member["has_more"] == json!(true);
    for (place, child) in children.iter().enumerate() {
        let is_last = place + 1 == children.len() && !has_more;
        let (line, below) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        text += &branch(child, shown, &format!("{rest}{line}"), &format!("{rest}{below}"));
    }
    if has_more {
        text += &format!("{rest}└─ …\n");
    }
    text
}

/// The token in pasted text: without surrounding white space, and without the header that it was copied from,
/// parsed as a server would parse it.
fn pasted(text: &str) -> Result<&str, CommandError> {
    let mut token = text.trim_start_matches(MARK).trim();
    for before in ["authorization:", "bearer "] {
        if token.get(..before.len()).is_some_and(|start| start.eq_ignore_ascii_case(before)) {
            token = token[before.len()..].trim_start();
        }
    }
    if token.is_empty() || token.eq_ignore_ascii_case("bearer") {
        return Err(CommandError::usage("an access token is not empty: one, and nothing else, is read"));
    }
    if token.contains(char::is_control) {
        return Err(CommandError::usage(
            "an access token has no line break or other control character in it: one, and nothing else, is read",
        ));
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_drawn_as_a_tree() {
        let member = |id: i64, children: Vec<Value>, has_more: bool| {
            json!({"id": id, "title": if id == 3 { json!("a\u{7}b") } else { Value::Null }, "state": "active",
                "children": children, "has_more": has_more})
        };
        let grandchild = member(4, vec![], false);
        let family =
            member(1, vec![member(3, vec![grandchild.clone()], false), member(5, vec![], true)], false);
        let expected =
            "\n1  active\n├─ 3  a\u{fffd}b  active  (this one)\n│  └─ 4  active\n└─ 5  active\n   └─ …\n";
        assert_eq!(drawn(&family, 3), expected);
        assert_eq!(drawn(&Value::Null, 3), "");
    }

    #[test]
    fn what_is_pasted_is_read_as_a_header_is() {
        for text in [
            "abc",
            "abc\n",
            "abc\r\n",
            " \tabc ",
            "\u{feff}abc\n",
            "Bearer abc",
            "bearer   abc\n",
            "\u{feff}Bearer abc",
            "Authorization: Bearer abc\r\n",
            "authorization:abc",
        ] {
            assert_eq!(pasted(text).unwrap(), "abc", "{text:?}");
        }
        for text in ["bearer-of-rings", "a bearer b", "Basic YTpi"] {
            assert_eq!(pasted(text).unwrap(), text);
        }
        for text in ["", "\n", "Bearer", "Bearer \n", "\u{feff}", "abc\ndef", "a\0b"] {
            assert!(pasted(text).is_err(), "{text:?}");
        }
    }
}
