//! Operators.

use super::visit::Visit;
use crate::browser::error::PageError;
use axum::response::Response;
use jeton_console::pages::{Confirm, OperatorRow, Operators};
use jeton_console::{CredentialKind, Field, Frame, Notice, Page, Section};
use jeton_core::OperatorId;
use jeton_service::{Operator, OperatorNameError, operator_name};

const LIST: &str = "/console/operators";

pub(super) async fn list(visit: &Visit) -> Result<Response, PageError> {
    let operators = visit.service().operators().await?;
    Ok(visit.page(Section::Operators, |frame| page(visit, frame, &operators, Field::default())))
}

fn page(visit: &Visit, frame: &Frame<'_>, operators: &[Operator], name: Field) -> String {
    let rows = operators.iter().map(|operator| OperatorRow {
        id: operator.id.get(),
        name: &operator.name,
        created_at: operator.created_at,
        is_self: operator.id == visit.session.visitor.id,
    });
    Operators { frame, operators: rows.collect(), name }.html()
}

pub(super) async fn create(visit: &Visit) -> Result<Response, PageError> {
    let name = match operator_name(visit.form().text("name").to_owned()) {
        Ok(name) => name,
        Err(wrong) => {
            return again(
                visit,
                match wrong {
                    OperatorNameError::Blank => visit.language().operator_name_missing(),
                    OperatorNameError::Text(_) => visit.language().text_too_long(),
                },
            )
            .await;
        }
    };
    let Some(made) = visit.service().create_operator(name.as_str(), &visit.cause()).await? else {
        return again(visit, visit.language().operator_exists()).await;
    };
    let notice = Notice::OperatorCreated(name.as_str().to_owned());
    Ok(visit.made(LIST, notice, vec![(CredentialKind::OperatorToken, made.token)]))
}

/// The page once more, with what is wrong with the name.
async fn again(visit: &Visit, error: &str) -> Result<Response, PageError> {
    let name = Field { error: error.to_owned(), ..Field::of(visit.form().text("name")) };
    let operators = visit.service().operators().await?;
    Ok(visit.again(Section::Operators, |frame| page(visit, frame, &operators, name)))
}

/// The operator that the path names.
async fn find(visit: &Visit) -> Result<Operator, PageError> {
    let id = visit.segment(0).parse().ok().and_then(OperatorId::new).ok_or(PageError::NotFound)?;
    visit.service().operator(id).await?.ok_or(PageError::NotFound)
}

pub(super) async fn ask_to_revoke(visit: &Visit) -> Result<Response, PageError> {
    let operator = find(visit).await?;
    let language = visit.language();
    let is_self = operator.id == visit.session.visitor.id;
    let consequence =
        if is_self { language.operator_revoke_self() } else { language.operator_revoke_consequence() };
    let (title, action) =
        (language.operator_revoke_title(&operator.name), format!("{LIST}/{}/revoke", operator.id));
    Ok(visit.page(Section::Operators, |frame| {
        let (title, action, button) = (&title, &action, language.operator_revoke());
        Confirm { frame, title, consequence, action, hidden: &[], typed: None, button, back: LIST }.html()
    }))
}

/// Also oneself: from the answer on, all sessions of that operator are over.
pub(super) async fn revoke(visit: &Visit) -> Result<Response, PageError> {
    let operator = find(visit).await?;
    if !visit.service().revoke_operator(operator.id, &visit.cause()).await? {
        return Err(PageError::NotFound);
    }
    Ok(visit.done(LIST, Notice::OperatorRevoked(operator.name)))
}
