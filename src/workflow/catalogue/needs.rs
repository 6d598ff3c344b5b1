//! What workflows need beside themselves, by name: saved queries and the sources that those ask. A
//! bundle carries neither settings nor credentials of them.

use std::collections::{BTreeMap, HashMap};

use super::{
    Bundle, Catalogue,
    bundle::{PackedQuery, PackedSource},
};
use crate::{
    ids::{DataQueryId, TenantId},
    store::tables::{ListPage, dataqueries, datasources},
    workflow::Error,
};

impl Catalogue {
    /// Puts the queries with these ids into a bundle, and their sources; those that are not there are
    /// told.
    pub(super) async fn pack_needs(
        &self,
        tenant: &TenantId,
        ids: Vec<String>,
        bundle: &mut Bundle,
    ) -> Result<(), Error> {
        let tenant = tenant.clone();
        let read = move |db: &mut _| {
            let (mut queries, mut sources, mut missing) = (Vec::new(), BTreeMap::new(), Vec::new());
            for id in ids {
                let found = match DataQueryId::parse(&id) {
                    Ok(id) => dataqueries::find(db, &tenant, &id)?,
                    Err(_) => None,
                };
                let Some(query) = found else {
                    missing.push(id);
                    continue;
                };
                if let Some(source) = &query.datasource_id
                    && let Some(row) = datasources::find(db, &tenant, source)?
                {
                    sources.insert(source.as_str().to_owned(), (row.title, row.kind));
                }
                queries.push(PackedQuery {
                    data_query_id: id,
                    title: query.title,
                    datasource_id: query.datasource_id.map(|id| id.as_str().to_owned()),
                });
            }
            Ok((queries, sources, missing))
        };
        let (queries, sources, missing) = self.runs.hub.store.read(read).await?;
        bundle.data_queries = queries;
        let packed = |(datasource_id, (title, kind))| PackedSource { datasource_id, title, kind };
        bundle.data_sources = sources.into_iter().map(packed).collect();
        bundle.missing.extend(missing);
        Ok(())
    }

    /// The tenant's own query for each of a bundle: the given one, else the one of that id, else the only
    /// one of that title over a source of that kind.
    pub(super) async fn own_queries(
        &self,
        tenant: &TenantId,
        bundle: &Bundle,
        given: &HashMap<String, String>,
    ) -> Result<HashMap<String, String>, Error> {
        let kinds: HashMap<&String, &String> =
            bundle.data_sources.iter().map(|source| (&source.datasource_id, &source.kind)).collect();
        let wanted: Vec<(String, String, Option<String>)> = bundle
            .data_queries
            .iter()
            .filter(|query| !given.contains_key(&query.data_query_id))
            .map(|query| {
                let kind =
                    query.datasource_id.as_ref().and_then(|id| kinds.get(id)).map(|kind| (*kind).clone());
                (query.data_query_id.clone(), query.title.clone(), kind)
            })
            .collect();
        let tenant = tenant.clone();
        let read = move |db: &mut _| {
            let mut own = HashMap::new();
            for (old, title, kind) in wanted {
                let same = match DataQueryId::parse(&old) {
                    Ok(id) => dataqueries::find(db, &tenant, &id)?.map(|query| query.data_query_id),
                    Err(_) => None,
                };
                let page = ListPage { page_size: 500, ..ListPage::default() };
                let mut titled = Vec::new();
                for query in dataqueries::list(db, &tenant, Some(&title), &page)?.rows {
                    let of = match &query.datasource_id {
                        Some(source) => datasources::find(db, &tenant, source)?.map(|source| source.kind),
                        None => None,
                    };
                    if query.title == title && of == kind {
                        titled.push(query.data_query_id);
                    }
                }
                let only = if let [only] = titled.as_slice() { Some(only.clone()) } else { None };
                if let Some(new) = same.or(only) {
                    own.insert(old, new.as_str().to_owned());
                }
            }
            Ok(own)
        };
        let mut own = self.runs.hub.store.read(read).await?;
        own.extend(given.iter().map(|(old, new)| (old.clone(), new.clone())));
        Ok(own)
    }
}
