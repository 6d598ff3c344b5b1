//! What all these tables are asked alike: one by its id, remove one, a part of the list. The types of a
//! Diesel query name its table, so this is a macro instead of a function.

/// `find`, `remove` (and what is done after it) and `list` of a table with columns `tenant_id`, `title` and `created_at`.
macro_rules! stored {
    ($table:ident, $id:ident, $row:ty, $id_type:ty $(, $removed:path)?) => {
        /// One of a tenant.
        pub fn find(
            connection: &mut Connection,
            tenant: &TenantId,
            id: &$id_type,
        ) -> Result<Option<$row>, Error> {
            let query = $table::table
                .find(id.as_str())
                .filter($table::tenant_id.eq(tenant.as_str()))
                .select(<$row>::as_select());
            Ok(query.first(connection).optional()?)
        }

        /// Removes one; `NotFound` when the tenant has none with this id, `Reference` while another row needs it.
        pub fn remove(connection: &mut Connection, tenant: &TenantId, id: &$id_type) -> Result<(), Error> {
            let row = $table::table.find(id.as_str()).filter($table::tenant_id.eq(tenant.as_str()));
            let gone = diesel::delete(row).execute(connection)?;
            if gone == 0 {
                return Err(Error::NotFound);
            }
            $( $removed(connection, tenant)?; )?
            Ok(())
        }

        /// Those of a tenant, newest first; `search` is a part of the title, in any case.
        pub fn list(
            connection: &mut Connection,
            tenant: &TenantId,
            search: Option<&str>,
            page: &ListPage,
        ) -> Result<Listed<$row>, Error> {
            let of_tenant = $table::table.filter($table::tenant_id.eq(tenant.as_str()));
            let mut count = of_tenant.count().into_boxed();
            let mut query = of_tenant.select(<$row>::as_select()).into_boxed();
            if let Some(search) = search {
                count = count.filter(lower($table::title).like(contains(search)).escape('\\'));
                query = query.filter(lower($table::title).like(contains(search)).escape('\\'));
            }
            let total = count.get_result(connection)?;
            if let Some((at, id)) = page.after()? {
                let same = $table::created_at.eq(at).and($table::$id.lt(id));
                query = query.filter($table::created_at.lt(at).or(same));
            }
            let rows = query
                .order(($table::created_at.desc(), $table::$id.desc()))
                .limit(page.limit())
                .offset(page.offset())
                .load(connection)?;
            Ok(page.finish(rows, total, |row: &$row| (row.created_at, row.$id.to_string())))
        }
    };
}

pub(super) use stored;
