# From lines of `type extension` to a C table in the order of the extensions.
#     LC_ALL=C sort -k 2,2 mime.types | awk -f media.awk
BEGIN {
	print "/* Made by lib/site/media.awk. */"
	print "static const struct media_type media_types[] = {"
}
$2 ~ /^[a-z0-9+_-]+$/ {
	# On the web, this extension is source code more often than a film.
	if ($2 == "ts") $1 = "text/plain"
	printf "    {\"%s\", \"%s\"},\n", $2, $1
}
END { print "};" }
