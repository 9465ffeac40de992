//! The methods of LoopBack's AccessToken.

/// A kind of access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessType {
    /// `READ`.
    Read,
    /// `WRITE`.
    Write,
    /// `EXECUTE`. No method of a token is of this kind; in an entry it means every kind.
    Execute,
}

impl AccessType {
    /// LoopBack's name.
    pub const fn name(self) -> &'static str {
        match self {
            AccessType::Read => "READ",
            AccessType::Write => "WRITE",
            AccessType::Execute => "EXECUTE",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [AccessType::Read, AccessType::Write, AccessType::Execute]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// A method that can be called over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `POST /`.
    Create,
    /// `PUT /` and `PATCH /`.
    Upsert,
    /// `POST /replaceOrCreate`.
    ReplaceOrCreate,
    /// `POST /upsertWithWhere`.
    UpsertWithWhere,
    /// `GET /`.
    Find,
    /// `GET /findOne`.
    FindOne,
    /// `GET /:id`.
    FindById,
    /// `GET /:id/exists` and `HEAD /:id`.
    Exists,
    /// `GET /count`.
    Count,
    /// `POST /update`.
    UpdateAll,
    /// `PUT /:id` and `PATCH /:id`.
    UpdateAttributes,
    /// `POST /:id/replace`.
    ReplaceById,
    /// `DELETE /:id`.
    DeleteById,
    /// `GET /:id/user`.
    GetUser,
    /// `GET` and `POST /change-stream`.
    CreateChangeStream,
}

impl Method {
    /// All of them.
    pub const ALL: [Method; 15] = [
        Method::Create,
        Method::Upsert,
        Method::ReplaceOrCreate,
        Method::UpsertWithWhere,
        Method::Find,
        Method::FindOne,
        Method::FindById,
        Method::Exists,
        Method::Count,
        Method::UpdateAll,
        Method::UpdateAttributes,
        Method::ReplaceById,
        Method::DeleteById,
        Method::GetUser,
        Method::CreateChangeStream,
    ];

    /// LoopBack 2's name.
    pub const fn name(self) -> &'static str {
        match self {
            Method::Create => "create",
            Method::Upsert => "upsert",
            Method::ReplaceOrCreate => "replaceOrCreate",
            Method::UpsertWithWhere => "upsertWithWhere",
            Method::Find => "find",
            Method::FindOne => "findOne",
            Method::FindById => "findById",
            Method::Exists => "exists",
            Method::Count => "count",
            Method::UpdateAll => "updateAll",
            Method::UpdateAttributes => "updateAttributes",
            Method::ReplaceById => "replaceById",
            Method::DeleteById => "deleteById",
            Method::GetUser => "__get__user",
            Method::CreateChangeStream => "createChangeStream",
        }
    }

    /// Its other names in LoopBack 2 and 3.
    const fn aliases(self) -> &'static [&'static str] {
        match self {
            Method::Upsert => &["patchOrCreate", "updateOrCreate"],
            Method::UpsertWithWhere => &["patchOrCreateWithWhere"],
            Method::UpdateAll => &["update"],
            Method::UpdateAttributes => &["patchAttributes"],
            Method::DeleteById => &["destroyById", "removeById"],
            Method::Create
            | Method::ReplaceOrCreate
            | Method::Find
            | Method::FindOne
            | Method::FindById
            | Method::Exists
            | Method::Count
            | Method::ReplaceById
            | Method::GetUser
            | Method::CreateChangeStream => &[],
        }
    }

    /// The method with this name or alias, with or without the prefix `prototype.`.
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.strip_prefix("prototype.").unwrap_or(name);
        Self::ALL.into_iter().find(|method| method.name() == name || method.aliases().contains(&name))
    }

    /// The kind of access that a call of it is.
    pub const fn access_type(self) -> AccessType {
        match self {
            Method::Create
            | Method::Upsert
            | Method::ReplaceOrCreate
            | Method::UpsertWithWhere
            | Method::UpdateAll
            | Method::UpdateAttributes
            | Method::ReplaceById
            | Method::DeleteById => AccessType::Write,
            Method::Find
            | Method::FindOne
            | Method::FindById
            | Method::Exists
            | Method::Count
            | Method::GetUser
            | Method::CreateChangeStream => AccessType::Read,
        }
    }
}
