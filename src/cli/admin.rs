//! `jethub tenant|user|member|apikey …`: arguments become one [`ControlRequest`].

use clap::{Args, Subcommand};

use super::{
    args::Where,
    control, offline,
    output::{Failure, print, say},
    settings, token,
};
use crate::{
    config::DurationSetting,
    http::control::{ControlReply, ControlRequest},
};

#[derive(Debug, Subcommand)]
pub(super) enum Administration {
    /// Tenants: create, list, disable, enable
    #[command(subcommand)]
    Tenant(Tenant),
    /// Users: create, list, disable, enable
    #[command(subcommand)]
    User(User),
    /// Members of a tenant: create, list, revoke
    #[command(subcommand)]
    Member(Member),
    /// API keys of a tenant: create (printed once), list, disable, revoke
    #[command(subcommand)]
    Apikey(Apikey),
}

/// An id and where the hub is.
#[derive(Debug, Args)]
pub(super) struct One {
    /// Its id
    #[arg(value_parser = token::id)]
    id: String,
    #[command(flatten)]
    place: Where,
}

#[derive(Debug, Args)]
pub(super) struct All {
    #[command(flatten)]
    place: Where,
}

#[derive(Debug, Args)]
pub(super) struct OfTenant {
    /// The tenant
    #[arg(long, value_name = "ID", value_parser = token::id)]
    tenant: String,
    #[command(flatten)]
    place: Where,
}

#[derive(Debug, Args)]
pub(super) struct KeyOfTenant {
    /// The key's id, as list shows it
    #[arg(value_parser = token::id)]
    id: String,
    #[command(flatten)]
    of: OfTenant,
}

#[derive(Debug, Subcommand)]
pub(super) enum Tenant {
    /// Create a tenant
    Create {
        #[command(flatten)]
        one: One,
        /// Its name [default: its id]
        #[arg(long)]
        name: Option<String>,
    },
    /// List all tenants
    List(All),
    /// Refuse everybody in a tenant
    Disable(One),
    /// Admit them again
    Enable(One),
}

#[derive(Debug, Subcommand)]
pub(super) enum User {
    /// Create a user; the id is the claim sub of its tokens
    Create {
        #[command(flatten)]
        one: One,
        /// Its e-mail address
        #[arg(long)]
        email: Option<String>,
        /// It may administrate the whole hub
        #[arg(long)]
        platform_admin: bool,
    },
    /// List all users
    List(All),
    /// Refuse a user from now on
    Disable(One),
    /// Admit it again
    Enable(One),
}

#[derive(Debug, Subcommand)]
pub(super) enum Member {
    /// Make a user a member of a tenant
    Create {
        #[command(flatten)]
        of: OfTenant,
        /// The user
        #[arg(long, value_name = "ID", value_parser = token::id)]
        user: String,
        /// ADMIN, MEMBER, or a role of the tenant's own
        #[arg(long, default_value = "MEMBER", value_parser = token::id)]
        role: String,
    },
    /// List the members of a tenant
    List(OfTenant),
    /// End a membership
    Revoke {
        #[command(flatten)]
        of: OfTenant,
        /// The user
        #[arg(long, value_name = "ID", value_parser = token::id)]
        user: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Apikey {
    /// Create a key and print it: it is never shown again
    Create {
        #[command(flatten)]
        of: OfTenant,
        /// The user in whose name it acts
        #[arg(long, value_name = "ID", value_parser = token::id)]
        user: String,
        /// What it is for
        #[arg(long)]
        name: String,
        /// How long it is valid [default: for ever]
        #[arg(long, value_name = "TIME", value_parser = token::ttl)]
        ttl: Option<DurationSetting>,
    },
    /// List the keys of a tenant, without the keys themselves
    List(OfTenant),
    /// Refuse a key from now on
    Disable(KeyOfTenant),
    /// Remove a key
    Revoke(KeyOfTenant),
}

impl Administration {
    fn request(&self) -> (&Where, ControlRequest) {
        match self {
            Self::Tenant(Tenant::Create { one, name }) => {
                let name = name.clone().unwrap_or_else(|| one.id.clone());
                (&one.place, ControlRequest::TenantCreate { id: one.id.clone(), name })
            }
            Self::Tenant(Tenant::List(all)) => (&all.place, ControlRequest::TenantList),
            Self::Tenant(Tenant::Disable(one)) => {
                (&one.place, ControlRequest::TenantDisable { id: one.id.clone(), disabled: true })
            }
            Self::Tenant(Tenant::Enable(one)) => {
                (&one.place, ControlRequest::TenantDisable { id: one.id.clone(), disabled: false })
            }
            Self::User(User::Create { one, email, platform_admin }) => {
                let (email, platform_admin) = (email.clone(), *platform_admin);
                (&one.place, ControlRequest::UserCreate { id: one.id.clone(), email, platform_admin })
            }
            Self::User(User::List(all)) => (&all.place, ControlRequest::UserList),
            Self::User(User::Disable(one)) => {
                (&one.place, ControlRequest::UserDisable { id: one.id.clone(), disabled: true })
            }
            Self::User(User::Enable(one)) => {
                (&one.place, ControlRequest::UserDisable { id: one.id.clone(), disabled: false })
            }
            Self::Member(Member::Create { of, user, role }) => {
                let (tenant, user, role) = (of.tenant.clone(), user.clone(), role.clone());
                (&of.place, ControlRequest::MemberCreate { tenant, user, role })
            }
            Self::Member(Member::List(of)) => {
                (&of.place, ControlRequest::MemberList { tenant: of.tenant.clone() })
            }
            Self::Member(Member::Revoke { of, user }) => {
                let (tenant, user) = (of.tenant.clone(), user.clone());
                (&of.place, ControlRequest::MemberRevoke { tenant, user })
            }
            Self::Apikey(Apikey::Create { of, user, name, ttl }) => {
                let (tenant, user, name) = (of.tenant.clone(), user.clone(), name.clone());
                let ttl_seconds = ttl.map(|ttl| ttl.as_secs());
                (&of.place, ControlRequest::ApikeyCreate { tenant, user, name, ttl_seconds })
            }
            Self::Apikey(Apikey::List(of)) => {
                (&of.place, ControlRequest::ApikeyList { tenant: of.tenant.clone() })
            }
            Self::Apikey(Apikey::Disable(key)) => {
                let (tenant, id) = (key.of.tenant.clone(), key.id.clone());
                (&key.of.place, ControlRequest::ApikeyDisable { tenant, id })
            }
            Self::Apikey(Apikey::Revoke(key)) => {
                let (tenant, id) = (key.of.tenant.clone(), key.id.clone());
                (&key.of.place, ControlRequest::ApikeyRevoke { tenant, id })
            }
        }
    }
}

/// Has it carried out and prints the answer.
pub(super) fn run(administration: &Administration) -> Result<(), Failure> {
    let (place, request) = administration.request();
    let config = settings::read(&place.flags())?.config;
    let reply = match control::send(&config.server.state_dir, &request)? {
        Some(reply) => reply,
        None => offline::carry_out(&config, request)?,
    };
    match reply {
        ControlReply::Done => Ok(()),
        ControlReply::Created { id } => print(&format!("{id}\n")),
        ControlReply::Key { id, key } => {
            say(&format!("key {id}; it is shown only this once:"));
            print(&format!("{}\n", key.expose()))
        }
        ControlReply::Table { columns, rows } => print(&table(&columns, &rows)),
        ControlReply::Refused { code, message } => Err(Failure::Failed(format!("{code}: {message}"))),
    }
}

/// Columns as wide as their widest cell, two spaces apart; control characters never reach a terminal.
fn table(columns: &[String], rows: &[Vec<String>]) -> String {
    let clean =
        |cell: &String| cell.chars().map(|c| if c.is_control() { '?' } else { c }).collect::<String>();
    let lines: Vec<Vec<String>> = std::iter::once(columns)
        .chain(rows.iter().map(Vec::as_slice))
        .map(|row| row.iter().map(clean).collect())
        .collect();
    let width =
        |index: usize| lines.iter().filter_map(|row| row.get(index)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns.len()).map(|index| width(index).unwrap_or(0)).collect();
    let mut out = String::new();
    for row in &lines {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_aligned_and_harmless() {
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let text = table(&row(&["id", "name"]), &[row(&["1", "a\u{1b}[31mb"]), row(&["100", ""])]);
        assert_eq!(text, "id   name\n1    a?[31mb\n100\n");
    }
}
