//! Permissions `tenant:<resource>:<action>` and the base roles (`contract.md` 6.2). Pure.

use std::fmt;

/// Role that may do everything in its tenant.
pub const ADMIN: &str = "ADMIN";
/// Role of an ordinary member; the default.
pub const MEMBER: &str = "MEMBER";

macro_rules! permissions {
    ($($variant:ident $resource:literal $action:literal $base:ident;)+) => {
        /// One right in a tenant.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "each variant is a row of the table below, which spells it out")]
        pub enum Permission { $($variant),+ }

        impl Permission {
            /// All of them, in the order of the contract.
            pub const ALL: &'static [Permission] = &[$(Permission::$variant),+];

            /// `tenant:<resource>:<action>`.
            pub fn as_str(self) -> &'static str {
                match self { $(Permission::$variant => concat!("tenant:", $resource, ":", $action)),+ }
            }

            fn of_member(self) -> bool {
                match self { $(Permission::$variant => permissions!(@base $base)),+ }
            }
        }
    };
    (@base member) => { true };
    (@base admin) => { false };
}

permissions! {
    WorkflowList "workflow" "list" member;
    WorkflowCreate "workflow" "create" admin;
    WorkflowRead "workflow" "read" member;
    WorkflowUpdate "workflow" "update" admin;
    WorkflowDelete "workflow" "delete" admin;
    WorkflowExecute "workflow" "execute" member;
    WorkflowTest "workflow" "test" admin;
    WorkflowExport "workflow" "export" admin;
    DataQueryList "dataquery" "list" member;
    DataQueryCreate "dataquery" "create" admin;
    DataQueryRead "dataquery" "read" member;
    DataQueryUpdate "dataquery" "update" admin;
    DataQueryDelete "dataquery" "delete" admin;
    DataQueryExecute "dataquery" "execute" member;
    DataSourceList "datasource" "list" admin;
    DataSourceCreate "datasource" "create" admin;
    DataSourceRead "datasource" "read" admin;
    DataSourceUpdate "datasource" "update" admin;
    DataSourceDelete "datasource" "delete" admin;
    WidgetList "widget" "list" member;
    WidgetCreate "widget" "create" admin;
    WidgetRead "widget" "read" member;
    WidgetUpdate "widget" "update" admin;
    WidgetDelete "widget" "delete" admin;
    WidgetExecute "widget" "execute" member;
    ListenerList "listener" "list" admin;
    ListenerCreate "listener" "create" admin;
    ListenerRead "listener" "read" member;
    ListenerUpdate "listener" "update" admin;
    ListenerDelete "listener" "delete" admin;
    ListenerPublish "listener" "publish" admin;
    MemberList "member" "list" admin;
    MemberCreate "member" "create" admin;
    MemberUpdate "member" "update" admin;
    MemberDelete "member" "delete" admin;
    ApiKeyList "apikey" "list" admin;
    ApiKeyCreate "apikey" "create" admin;
    ApiKeyUpdate "apikey" "update" admin;
    ApiKeyDelete "apikey" "delete" admin;
    AiChat "ai" "chat" member;
    AiRead "ai" "read" member;
    AiDelete "ai" "delete" member;
}

impl Permission {
    /// The permission of that name; `None` for a name that the contract does not know.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|permission| permission.as_str() == name)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of permissions: one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions(u64);

impl Permissions {
    /// None.
    pub const NONE: Permissions = Permissions(0);

    /// All of the contract.
    pub fn all() -> Self {
        Permission::ALL.iter().copied().collect()
    }

    /// Those of a base role; `None` when the name is no base role (then it is a row).
    pub fn of_base_role(role: &str) -> Option<Self> {
        match role {
            ADMIN => Some(Self::all()),
            MEMBER => Some(Permission::ALL.iter().copied().filter(|p| p.of_member()).collect()),
            _ => None,
        }
    }

    /// Those of a role row: unknown names grant nothing (a newer hub may have written them).
    pub fn of_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        names.into_iter().filter_map(Permission::parse).collect()
    }

    /// Whether the set holds it.
    pub fn contains(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u32) != 0
    }

    /// What both grant.
    #[must_use]
    pub fn intersect(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether this set holds all of the other.
    pub fn covers(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(iter: I) -> Self {
        Self(iter.into_iter().fold(0, |bits, permission| bits | (1 << permission as u32)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_parse_back() {
        assert!(Permission::ALL.len() <= 64);
        for permission in Permission::ALL {
            assert_eq!(Permission::parse(permission.as_str()), Some(*permission));
        }
        assert_eq!(Permission::parse("tenant:workflow:*"), None);
    }

    #[test]
    fn base_roles_are_those_of_the_contract() {
        let member = Permissions::of_base_role(MEMBER).unwrap();
        let names: Vec<&str> =
            Permission::ALL.iter().filter(|p| member.contains(**p)).map(|p| p.as_str()).collect();
        assert_eq!(
            names,
            [
                "tenant:workflow:list",
                "tenant:workflow:read",
                "tenant:workflow:execute",
                "tenant:dataquery:list",
                "tenant:dataquery:read",
                "tenant:dataquery:execute",
                "tenant:widget:list",
                "tenant:widget:read",
                "tenant:widget:execute",
                "tenant:listener:read",
                "tenant:ai:chat",
                "tenant:ai:read",
                "tenant:ai:delete",
            ]
        );
        assert!(Permission::ALL.iter().all(|p| Permissions::of_base_role(ADMIN).unwrap().contains(*p)));
        assert_eq!(Permissions::of_base_role("admin"), None, "roles are compared byte for byte");
    }

    #[test]
    fn unknown_names_of_a_row_grant_nothing() {
        let set = Permissions::of_names(["tenant:workflow:test", "tenant:*", "root"]);
        assert_eq!(set, [Permission::WorkflowTest].into_iter().collect());
        assert!(Permissions::all().covers(set) && !set.covers(Permissions::all()));
    }
}
