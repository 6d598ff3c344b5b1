DROP TABLE catalogue_revisions;
