package org.apache.http.entity.mime;

/** The generated TokensApi imports httpmime's class of this name and does not use it; it sends a form, not parts. */
public final class MultipartEntityBuilder {
    private MultipartEntityBuilder() {}
}
