-- Which settings of a set-up are fixed. One that is under way already was made before there was a difference: what it
-- holds stays changeable, as it was. The default lets a replica of the version before go on while replicas change.
ALTER TABLE "app_setups" ADD COLUMN "given" JSONB NOT NULL DEFAULT '{}';
