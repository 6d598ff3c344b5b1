DROP INDEX runs_children;
DROP TABLE collection_requests;
