-- name: trust_project
-- Let a project name an anima; when it already may, and its own file said so, a person says it now.
INSERT INTO trusted_projects (anima_no, project, folder, at) VALUES (:anima_no, :project, :folder, :now)
ON CONFLICT DO UPDATE SET folder = excluded.folder, at = excluded.at
WHERE at = (SELECT created_at FROM animas WHERE animas.anima_no = excluded.anima_no);

-- name: distrust_project
-- Let a project, or the one that was in a folder, no longer name an anima.
DELETE FROM trusted_projects
WHERE anima_no = :anima_no AND (project = :project OR folder = :folder);

-- name: distrust_all
-- Let no project name an anima any more.
DELETE FROM trusted_projects WHERE anima_no = :anima_no;

-- name: trusted_project
-- Whether a project may name an anima.
SELECT folder FROM trusted_projects WHERE anima_no = :anima_no AND project = :project;

-- name: trusted_projects
-- Which projects may name which animas of a user.
SELECT animas.name AS anima, animas.uuid AS uuid, project, folder, at
FROM animas JOIN trusted_projects USING (anima_no)
WHERE user_no = :user_no ORDER BY animas.anima_no, at, project;
