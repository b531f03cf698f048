# Where several types claim an extension, one registered with IANA goes before
# one that is not, and what a browser can show before what it would save:
# "mp4" is video/mp4 and "js" text/javascript, not application/... .

BEGIN {
	n = split("application model font audio image text video", families)
	for (i = 1; i <= n; i++)
		family_rank[families[i]] = i
}

/^  "/ {
	split($0, part, "\"")
	type = part[2]
	registered = 0
}

/"source": "iana"/ { registered = 10 }

/"extensions": \[/, /\]/ {
	sub(/.*"extensions": /, "")
	n = split($0, part, "\"")
	for (i = 2; i <= n; i += 2)
		claim(part[i], type, registered)
}

function claim(extension, type, registered,   rank, family) {
	family = type
	sub(/\/.*/, "", family)
	rank = registered + family_rank[family]
	if (extension in best && best[extension] >= rank)
		return
	best[extension] = rank
	owner[extension] = type
}

END {
	for (extension in owner)
		print owner[extension], extension
}
