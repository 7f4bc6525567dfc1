//! API tokens: what they may do, who made them. What their bearer shows is kept apart, as a hash.

use penstock_common::Uuid;
use sqlx::FromRow;

use super::{Workspace, Write};
use crate::store::db::on;
use crate::store::error::Result;
use crate::store::key::Key;

/// A token to be.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Its id.
    pub token: u128,
    /// SHA-256 of what its bearer shows.
    pub hash: [u8; 32],
    /// Good for one repository only.
    pub repository: Option<Uuid>,
    /// Its name, which stands in logs.
    pub name: String,
    /// What it may do, names separated by blanks.
    pub scopes: String,
    /// Who made it, an account id.
    pub creator: String,
    /// The same person's UUID; absent for the operator.
    pub maker: Option<Uuid>,
    /// From when on it holds no more.
    pub expires_at: Option<i64>,
}

/// A token as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub token: u128,
    /// Good for one repository only.
    pub repository: Option<Uuid>,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scopes: String,
    /// Who made it.
    pub creator: String,
    /// The same person's UUID; absent for the operator.
    pub maker: Option<Uuid>,
    /// When Bitbucket last confirmed that the maker has the right to it.
    pub confirmed_at: i64,
    /// When.
    pub created_at: i64,
    /// From when on it holds no more.
    pub expires_at: Option<i64>,
    /// Since when it is revoked.
    pub revoked_at: Option<i64>,
    /// When it was last used.
    pub last_used_at: Option<i64>,
}

#[derive(FromRow)]
struct Row {
    token: Key,
    repository: Option<Key>,
    name: String,
    scopes: String,
    creator: String,
    maker: Option<Key>,
    confirmed_at: i64,
    created_at: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
    last_used_at: Option<i64>,
}

impl From<Row> for Token {
    fn from(row: Row) -> Self {
        Self {
            token: row.token.number(),
            repository: row.repository.map(Key::uuid),
            name: row.name,
            scopes: row.scopes,
            creator: row.creator,
            maker: row.maker.map(Key::uuid),
            confirmed_at: row.confirmed_at,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
        }
    }
}

impl Workspace {
    /// A token.
    pub async fn token(&self, token: u128) -> Result<Option<Token>> {
        Ok(self.tokens().await?.into_iter().find(|one| one.token == token))
    }

    /// All tokens, revoked ones too.
    pub async fn tokens(&self) -> Result<Vec<Token>> {
        let mut tx = self.read().await?;
        let rows: Vec<Row> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select token, repository, name, scopes, creator, maker, confirmed_at, created_at, expires_at, revoked_at, last_used_at \
                 from api_tokens where workspace = $1 order by token",
            )
            .bind(self.key())
            .fetch_all(connection)
            .await
        })?;
        Ok(rows.into_iter().map(Token::from).collect())
    }
}

impl Write {
    /// Keeps a new token.
    pub async fn new_token(&mut self, token: &NewToken, now: i64) -> Result<()> {
        let key = self.key();
        on!(&mut self.tx, connection => {
            sqlx::query(
                "insert into api_tokens (workspace, token, repository, name, scopes, creator, created_at, expires_at, maker, confirmed_at) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $7)",
            )
            .bind(key)
            .bind(Key::from(token.token))
            .bind(token.repository.map(Key::from))
            .bind(&token.name)
            .bind(&token.scopes)
            .bind(&token.creator)
            .bind(now)
            .bind(token.expires_at)
            .bind(token.maker.map(Key::from))
            .execute(connection)
            .await
            .map(drop)
        })?;
        Ok(on!(&mut self.tx, connection => {
            sqlx::query("insert into token_hashes (hash, workspace, token, expires_at) values ($1, $2, $3, $4)")
                .bind(token.hash.as_slice())
                .bind(key)
                .bind(Key::from(token.token))
                .bind(token.expires_at)
                .execute(connection)
                .await
                .map(drop)
        })?)
    }

    /// Ends a token at once; `false` if there is none that holds.
    pub async fn revoke_token(&mut self, token: u128, now: i64) -> Result<bool> {
        let key = self.key();
        on!(&mut self.tx, connection => {
            sqlx::query("delete from token_hashes where workspace = $1 and token = $2")
                .bind(key)
                .bind(Key::from(token))
                .execute(connection)
                .await
                .map(drop)
        })?;
        let rows = on!(&mut self.tx, connection => {
            sqlx::query("update api_tokens set revoked_at = $3 where workspace = $1 and token = $2 and revoked_at is null")
                .bind(key)
                .bind(Key::from(token))
                .bind(now)
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })?;
        Ok(rows == 1)
    }

    /// Bitbucket confirmed that the maker of a token has the right to make it.
    pub async fn token_confirmed(&mut self, token: u128, now: i64) -> Result<()> {
        let key = self.key();
        Ok(on!(&mut self.tx, connection => {
            sqlx::query("update api_tokens set confirmed_at = $3 where workspace = $1 and token = $2")
                .bind(key)
                .bind(Key::from(token))
                .bind(now)
                .execute(connection)
                .await
                .map(drop)
        })?)
    }

    /// A token was used.
    pub async fn token_used(&mut self, token: u128, now: i64) -> Result<()> {
        let key = self.key();
        Ok(on!(&mut self.tx, connection => {
            sqlx::query("update api_tokens set last_used_at = $3 where workspace = $1 and token = $2")
                .bind(key)
                .bind(Key::from(token))
                .bind(now)
                .execute(connection)
                .await
                .map(drop)
        })?)
    }
}
