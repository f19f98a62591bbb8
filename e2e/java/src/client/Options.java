package client;

import java.util.LinkedHashMap;
import java.util.Map;

/** The `key=value` arguments of one command. */
final class Options {
    private final Map<String, String> values = new LinkedHashMap<>();

    Options(String[] pairs) {
        for (String pair : pairs) {
            int at = pair.indexOf('=');
            if (at < 1) {
                throw new IllegalArgumentException("expected key=value: " + pair);
            }
            values.put(pair.substring(0, at), pair.substring(at + 1));
        }
    }

    String text(String key) {
        String value = values.get(key);
        if (value == null) {
            throw new IllegalArgumentException("missing option " + key);
        }
        return value;
    }

    String text(String key, String otherwise) {
        return values.getOrDefault(key, otherwise);
    }

    int number(String key, int otherwise) {
        return values.containsKey(key) ? Integer.parseInt(values.get(key)) : otherwise;
    }

    long longNumber(String key, long otherwise) {
        return values.containsKey(key) ? Long.parseLong(values.get(key)) : otherwise;
    }

    boolean flag(String key) {
        return Boolean.parseBoolean(values.get(key));
    }

    boolean has(String key) {
        return values.containsKey(key);
    }

    /** The options that start with a prefix, without it: `property.colour=red` gives `colour -> red`. */
    Map<String, String> startingWith(String prefix) {
        Map<String, String> found = new LinkedHashMap<>();
        values.forEach((key, value) -> {
            if (key.startsWith(prefix)) {
                found.put(key.substring(prefix.length()), value);
            }
        });
        return found;
    }
}
